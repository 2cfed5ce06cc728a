package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"sealpost/test/bigfile"
)

// makeFile makes a large file as an older program left it, to try an upgrade:
//
//	go run ./test/bench file -deliveries 5000000 old.db
func makeFile(args []string) error {
	flags := flag.NewFlagSet("file", flag.ExitOnError)
	deliveries := flags.Int("deliveries", 5_000_000, "deliveries in the file")
	organizations := flags.Int("organizations", 200, "organizations that they belong to")
	body := flags.Int("body", 200, "bytes of an event")
	answer := flags.Int("answer", 40, "bytes that are kept of each answer")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return fmt.Errorf("name the file to make")
	}
	return bigfile.Make(context.Background(), flags.Arg(0), bigfile.Spec{Deliveries: *deliveries, Organizations: *organizations, Body: *body, Answer: *answer,
		Progress: func(done, total int) { fmt.Fprintf(os.Stderr, "\r%d of %d deliveries", done, total) }})
}
