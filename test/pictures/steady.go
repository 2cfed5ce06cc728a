package main

import "regexp"

// What differs from run to run, and what the picture has instead. An id and a
// port keep their length, or tables would lose their shape; a time becomes an
// ellipsis, for a figure that nobody measured has no place in a picture.
var unsteady = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`\bevt_[0-9a-z]{26}\b`), "evt_06h1fzcqdxwkm997gc8h03y7k0"},
	{regexp.MustCompile(`\bdlv_[0-9a-v]{26}\b`), "dlv_4d2k9q0m7g3t8s1r5v6n0b2c4h"},
	{regexp.MustCompile(`\b127\.0\.0\.1:\d+`), "127.0.0.1:38443"},
	{regexp.MustCompile(`(?m)^(\x1b\[[0-9;]*m)? *\d+\.\d ms`), "${1}… ms"},
	{regexp.MustCompile(`\b(\d+(\.\d+)?(h|m|s|ms|µs))+ ago\b`), "… ago"},
	{regexp.MustCompile(`\bin (\d+(\.\d+)?(h|m|s|ms|µs))+\b`), "in … ms"},
	{regexp.MustCompile(`(?m)^(attempt \d+  … ago  )(\d+(\.\d+)?(h|m|s|ms|µs))+\b`), "${1}… ms"},
}

// steady makes what was written on a terminal the same for every run.
func steady(written string) string {
	for _, u := range unsteady {
		written = u.pattern.ReplaceAllString(written, u.instead)
	}
	return written
}
