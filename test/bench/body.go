package main

import (
	"bytes"
	"strconv"
	"time"
)

// eventSize is the size of one event as it is published, in bytes.
const eventSize = 1024

// appendEvent writes the n-th event: its number and the time of sending stand
// in the body, so that the receiver can tell what came and how long it took.
func appendEvent(out []byte, n int64, sent time.Time) []byte {
	start := len(out)
	out = append(out, `{"resource":"bench","action":"measured","body":{"n":`...)
	out = strconv.AppendInt(out, n, 10)
	out = append(out, `,"sent":`...)
	out = strconv.AppendInt(out, sent.UnixNano()/1000, 10)
	out = append(out, `,"pad":"`...)
	for len(out)-start < eventSize-3 {
		out = append(out, "The quick brown fox jumps over the lazy dog. "[(len(out)-start)%45])
	}
	return append(out, `"}}`...)
}

// readEvent finds the number and the time of sending in an event, whatever
// stands around its body.
func readEvent(event []byte) (n int64, sent time.Time) {
	return number(event, `"n":`), time.UnixMicro(number(event, `"sent":`))
}

func number(in []byte, key string) (n int64) {
	_, rest, found := bytes.Cut(in, []byte(key))
	if !found {
		return -1
	}
	for _, c := range rest {
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + int64(c-'0')
	}
	return n
}
