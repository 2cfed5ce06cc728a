package catalog

import "testing"

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		if _, err := New(Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkValidate(b *testing.B) {
	c := must(New(Options{}))
	body := must(c.Sample("transaction.created", 0, nil))
	b.ReportAllocs()
	for b.Loop() {
		if faults := c.Validate("transaction.created", body); faults != nil {
			b.Fatal(faults)
		}
	}
}

func BenchmarkValidateUnknownType(b *testing.B) {
	c := must(New(Options{}))
	body := must(c.Sample("transaction.created", 0, nil))
	b.ReportAllocs()
	for b.Loop() {
		if faults := c.Validate("order.paid", body); faults != nil {
			b.Fatal(faults)
		}
	}
}

func BenchmarkMap(b *testing.B) {
	raw := pandaEvent("evt-1", "transaction.created", incoming["transaction.created"])
	b.ReportAllocs()
	for b.Loop() {
		if _, err := (panda{}).Map(raw); err != nil {
			b.Fatal(err)
		}
	}
}
