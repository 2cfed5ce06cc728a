// Package deliver is the engine: it takes up deliveries, attempts them,
// decides what follows, and has that recorded. It knows no SQL and makes no
// HTTP client; both are handed in.
//
// Every webhook has a lane of its own (lane.go): a queue of first attempts in
// order of acceptance, a queue of retries that are due, and a window that says
// how many requests may be under way. The window starts at one, doubles with
// success and falls back to one while the receiver fails, so a dead or slow
// webhook is probed with one request at a time and never holds up the others.
// First attempts of one transaction go one after the other (transaction.go).
// What all lanes may have under way together is in room.go, and what they read
// from the file in refill.go; crew.go keeps the goroutines that make the attempts.
//
// Queues are windows over the file. What does not fit is left there (the lane
// is "spilled") and read when there is room again, so memory is bounded by
// settings, not by how much is pending. One process owns a file's deliveries,
// so what is in flight is known in its memory: taking up a delivery costs no
// write, and after a crash whatever is pending is simply due again.
//
//	accepted ──Offer──▶ lane ──attempt──▶ Decide ──record──▶ store.Finish
//	             ▲                                   │
//	  file ──────┴── catch up, due ◀─────────────────┘
//
// DESIGN.md draws the states of a lane and says which lock guards what.
// [Decide] is pure; everything that follows an attempt can be read there.
package deliver
