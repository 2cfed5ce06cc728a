// Command chaos does to sealpost what the world does to programs, and has
// test/judge say whether it kept its promises all the same.
//
// Each scenario starts the real program on a database of its own, publishes
// under load, makes a fault happen, lets the program come to rest, and judges.
// What is random comes from one seed, which is printed and repeats a run as far
// as processes and disks can be repeated.
//
// One file a kind of unkindness: phase.go and killat.go kill the daemon and
// commands at each moment and at each call, upkeep.go while they migrate, rotate
// and prune, powercut.go replays a record of writes, fault.go breaks the disk,
// lock.go, full.go, scarce.go, denied.go and freeze.go take away what a program
// needs, terminate.go, change.go, backups.go and retention.go are what people do
// meanwhile.
// mutant.go builds bugs in on purpose: a run fails when one of them is not caught.
//
//	go run ./test/chaos                  # everything
//	go run ./test/chaos -quick           # what needs no strace; make test runs it too
//	go run ./test/chaos -only powercut -seed 42
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

var bugName = flag.String("bug", "", "part of the names of the bugs that mutants builds in; all when empty")

func main() {
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "seed of what is random")
	only := flag.String("only", "", "names of the scenarios to run, separated by commas; all when empty: "+strings.Join(names(), ", "))
	quick := flag.Bool("quick", false, "only what needs no other program and little time")
	binary := flag.String("binary", "", "the sealpost to try; built from this tree when empty")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := run(ctx, *seed, *only, *quick, *binary); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, seed uint64, only string, quick bool, binary string) error {
	fmt.Printf("seed %d\n", seed)
	folder, err := os.MkdirTemp("", "sealpost-chaos-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // a temporary folder
	if binary == "" {
		if binary, err = build(ctx, folder, nil); err != nil {
			return err
		}
	}
	var failed []string
	for _, s := range scenarios {
		if only != "" && !slices.Contains(strings.Split(only, ","), s.name) || only == "" && quick && !s.quick {
			continue
		}
		began := time.Now()
		verdict := "ok"
		if err := s.try(ctx, seed, folder, binary); err != nil {
			verdict = err.Error()
			if not := impossible(""); !errors.As(err, &not) {
				failed = append(failed, s.name)
			}
		}
		fmt.Printf("%-12s %6.1f s  %s\n", s.name, time.Since(began).Seconds(), verdict)
	}
	if failed != nil {
		return fmt.Errorf("%s failed; -seed %d repeats it", strings.Join(failed, ", "), seed)
	}
	return nil
}
