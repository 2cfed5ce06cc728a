package main

import "testing"

func TestStackOf(t *testing.T) {
	const crash = "panic: card 4000-1234\n\tnext 4111\n\ngoroutine 7 [running]:\nsealpost/internal/store.(*writer).commit(0xc0001, {0x3039, 0x1})\n" +
		"\t/src/internal/store/writer.go:12 +0x1d\ncreated by sealpost/internal/store.startWriter in goroutine 1\n\t/src/x.go:3 +0x2\n\ngoroutine 1 [select]:\nmain.main()\n"
	const want = "goroutine 7 [running]:\nsealpost/internal/store.(*writer).commit\n\t/src/internal/store/writer.go:12 +0x1d\ncreated by sealpost/internal/store.startWriter in goroutine 1\n\t/src/x.go:3 +0x2\n"
	if got := stackOf(crash); got != want {
		t.Errorf("%q", got)
	}
	if got := stackOf("nothing of the kind"); got != "" {
		t.Errorf("%q", got)
	}
}
