package conformance

import "bytes"

// Case is one request to a receiver, and what it should answer.
type Case struct {
	Name     string // stable, for scripts
	Title    string // for people
	Expected string // what the receiver should answer, for people
	Required bool   // another answer is a failure, not a warning

	forgery     Forgery
	accepts     bool   // a 2xx is right; otherwise a 4xx is
	repeats     bool   // sends the first delivery again
	contentType string // application/json when empty
	huge        bool
	advice      string // what to change in the receiver when it takes what it should refuse
}

// HugeBody is the size of the huge body, in bytes. A receiver need not take more than the
// 1 MiB that sealpost sends at most.
const HugeBody = 64 << 20

// Cases are all cases, in the order in which they are sent. The first one must be
// answered, or the others are not sent.
func Cases(scheme string) []Case {
	all := []Case{
		{Name: "good", Title: "a good delivery", Expected: "2xx", Required: true, accepts: true},
		{Name: "repeated", Title: "the same delivery again", Expected: "2xx", Required: true, accepts: true, repeats: true},
		{
			Name: "signature", Title: "a forged signature", Expected: "4xx", Required: true, forgery: Signature,
			advice: "Anybody can send events to this receiver. Compute the HMAC of the raw body, compare it with each signature that the request carries, and answer 401 when one differs.",
		},
		{
			Name: "body", Title: "a body changed after signing", Expected: "4xx", Required: true, forgery: Body,
			advice: "The receiver does not check the bytes that it received. Compute the HMAC of the raw body before anything parses it, and answer 401 when it differs.",
		},
		{
			Name: "secret", Title: "a signature by another secret", Expected: "4xx", Required: true, forgery: Secret,
			advice: "The receiver takes a signature that its secret did not make. Compute the HMAC with the webhook's secret, and answer 401 when it differs.",
		},
		{
			Name: "timestamp", Title: "a delivery signed an hour ago", Expected: "4xx", forgery: Timestamp,
			advice: "A copied request can be sent again later. Refuse a webhook-timestamp that is more than 5 minutes from the receiver's clock.",
		},
		{
			Name: "huge", Title: "a body of 64 MiB", Expected: "4xx, or the connection is closed", huge: true,
			advice: "A large request can fill the receiver's memory. Answer 413 to more than 1 MiB; sealpost sends no more.",
		},
		{
			Name: "content-type", Title: "a body of type text/plain", Expected: "4xx", contentType: "text/plain",
			advice: "A delivery always has the content type application/json. Answer 415 to any other.",
		},
	}
	if scheme == SchemeSignature { // it has no time
		all = append(all[:5], all[6:]...)
	}
	return all
}

// hugeBody is an event whose body has the size of [HugeBody].
func hugeBody(id string) []byte {
	before := []byte(`{"id":"` + id + `","timestamp":"2026-01-05T10:20:30.000Z","resource":"conformance","action":"huge","body":{"padding":"`)
	after := []byte(`"}}`)
	return bytes.Join([][]byte{before, bytes.Repeat([]byte("a"), HugeBody-len(before)-len(after)), after}, nil)
}
