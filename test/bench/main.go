// Command bench measures sealpost beside the limit of the machine it runs on.
//
// It starts a receiver, the daemon and a load generator as separate processes
// on loopback (itself, with a role as its first argument) and prints a table:
// each figure beside the aim that the project has set itself. Absolute figures
// drift between machines, so throughput is also given as a share of two
// yardsticks of the same run: raw, the load generator posting the same bodies
// straight to the receiver, and the forwarder, a server that stores nothing and
// posts on what it gets, which is the ceiling of any design with net/http.
//
//	go run ./test/bench                        # everything, under three minutes
//	go run ./test/bench -only single16,latency # some of it
//	go run ./test/bench -time 10s              # longer measurements
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// roles are what a process of this program may be, besides the one that
// measures.
var roles = map[string]func(args []string) error{
	"receiver":  receive,
	"forwarder": forward,
	"load":      load,
	"file":      makeFile,
}

func main() {
	run := measure
	args := os.Args[1:]
	if len(args) > 0 && roles[args[0]] != nil {
		run, args = roles[args[0]], args[1:]
	}
	if err := run(args); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are what a run is told.
type options struct {
	binary     string
	length     time.Duration
	file       string
	deliveries int
}

// measure runs the scenarios and prints the table.
func measure(args []string) error {
	var o options
	flags := flag.NewFlagSet("bench", flag.ExitOnError)
	only := flags.String("only", "", "names of the scenarios to run, separated by commas; all when empty: "+strings.Join(scenarioNames(), ", "))
	flags.DurationVar(&o.length, "time", 5*time.Second, "length of one measurement")
	flags.StringVar(&o.binary, "binary", "", "the sealpost to measure; built from this tree when empty")
	flags.StringVar(&o.file, "file", "", "the large database file of \"lists\": made when it is missing, and kept; made for this run alone when empty")
	flags.IntVar(&o.deliveries, "deliveries", 5_000_000, "deliveries in the large database file")
	if err := flags.Parse(args); err != nil {
		return err
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	b, err := newBench(ctx, o)
	if err != nil {
		return err
	}
	defer b.close()
	for _, s := range scenarios {
		if *only != "" && !contains(*only, s.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "%s …\n", s.name)
		rows, err := s.run(ctx, b)
		if err != nil {
			fmt.Print(render(b.table)) // what there is
			return fmt.Errorf("%s: %w", s.name, err)
		}
		b.table = append(b.table, rows...)
	}
	fmt.Print(render(b.table))
	return nil
}

func contains(list, name string) bool {
	for part := range strings.SplitSeq(list, ",") {
		if strings.TrimSpace(part) == name {
			return true
		}
	}
	return false
}
