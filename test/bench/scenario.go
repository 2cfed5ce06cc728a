package main

import (
	"context"
	"fmt"
	"syscall"
	"time"
)

// scenario measures something and says it in rows of the table.
type scenario struct {
	name string
	run  func(context.Context, *bench) ([]row, error)
}

var scenarios []scenario

func init() { // they refer to each other's helpers, so no literal can hold them
	scenarios = []scenario{
		{"single16", throughput("one by one, 16 clients", 16, 1, 0.22, 0.65)},
		{"single64", throughput("one by one, 64 clients", 64, 1, 0.28, 0.75)},
		{"batch", throughput("batches of 100, 4 clients", 4, 100, 0.45, 0)},
		{"latency", latency},
		{"rest", atRest},
		{"recovery", recovery},
		{"pickup", pickup},
		{"writes", writes},
		{"upkeep", upkeep},
		{"hanging", hanging},
		{"neighbour", neighbour},
		{"backlog", backlog},
		{"lists", lists},
	}
}

func scenarioNames() (names []string) {
	for _, s := range scenarios {
		names = append(names, s.name)
	}
	return names
}

// latency measures a quiet daemon.
func latency(ctx context.Context, b *bench) ([]row, error) {
	d, err := b.newDaemon(ctx)
	if err != nil {
		return nil, err
	}
	defer d.stop()
	f, err := b.flow(ctx, d.token, "-target", d.process.url+"/api/event", "-rate", "100")
	if err != nil {
		return nil, err
	}
	ok := f.received.P50 <= 1500*time.Microsecond && f.received.P99 <= 4*time.Millisecond
	return []row{{"publish → received at 100/s, p50 / p99", millisecondsOf(f.received.P50) + " / " + millisecondsOf(f.received.P99), "≤ 1.5 / 4 ms", judge(ok)}}, nil
}

// atRest measures a daemon that has nothing to do.
func atRest(ctx context.Context, b *bench) ([]row, error) {
	d, err := b.newDaemon(ctx)
	if err != nil {
		return nil, err
	}
	defer d.stop()
	first := d.ready
	d.stop()
	if err := d.start(ctx); err != nil { // on a database that is there
		return nil, err
	}
	ready := min(first, d.ready)
	before, err := d.process.cpu()
	if err != nil {
		return nil, err
	}
	length := 2 * b.length // the clock of /proc ticks in hundredths of a second
	wait(ctx, length)
	after, err := d.process.cpu()
	if err != nil {
		return nil, err
	}
	memory, err := d.process.memory()
	if err != nil {
		return nil, err
	}
	share := float64(after-before) / float64(length)
	return []row{
		{"start to ready", millisecondsOf(ready), "≤ 50 ms", judge(ready <= 50*time.Millisecond)},
		{"idle: CPU", fmt.Sprintf("%.2f %% of a core", share*100), "< 0.2 %", judge(share < 0.002)},
		{"idle: memory", megabytes(memory), "≤ 30 MB", judge(memory <= 30<<20)},
		{"processes", "1", "1", met},
	}, nil
}

// recovery kills the daemon under load and starts it again.
func recovery(ctx context.Context, b *bench) ([]row, error) {
	d, err := b.newDaemon(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { d.stop() }()
	if err := b.reset(); err != nil {
		return nil, err
	}
	result := make(chan loaded, 1)
	failed := make(chan error, 1)
	go func() {
		l, err := b.load(ctx, d.token, "-target", d.process.url+"/api/event", "-time", "3s")
		result <- l
		failed <- err
	}()
	wait(ctx, 1500*time.Millisecond)
	d.process.stop(syscall.SIGKILL)
	l, err := <-result, <-failed
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := d.start(ctx); err != nil {
		return nil, err
	}
	err = until(ctx, time.Minute, 2*time.Millisecond, func() (bool, error) {
		s, err := b.received(false)
		return s.Events >= int(l.Acked), err
	})
	if err != nil {
		return nil, fmt.Errorf("%d acknowledged: %w", l.Acked, err)
	}
	took := time.Since(began)
	s, err := b.received(true)
	if err != nil {
		return nil, err
	}
	return []row{
		{"after kill -9 under load, until all is delivered", millisecondsOf(took), "≤ 2 s", judge(took <= 2*time.Second)},
		{"after kill -9: acknowledged / received / doubled", fmt.Sprintf("%d / %d / %d", l.Acked, s.Events, s.Count-s.Events), "none lost", judge(s.Events >= int(l.Acked))},
	}, nil
}

// pickup measures how soon the daemon delivers what another process wrote.
func pickup(ctx context.Context, b *bench) ([]row, error) {
	d, err := b.newDaemon(ctx)
	if err != nil {
		return nil, err
	}
	defer d.stop()
	if err := b.reset(); err != nil {
		return nil, err
	}
	const times = 5
	var longest time.Duration
	for n := range times {
		data := fmt.Sprintf(`{"n":%d,"sent":0}`, n)
		if _, err := d.run(ctx, "publish", "bench.measured", "--data", data); err != nil {
			return nil, err
		}
		stored := time.Now()
		err := until(ctx, 10*time.Second, time.Millisecond, func() (bool, error) {
			s, err := b.received(false)
			return s.Events > n, err
		})
		if err != nil {
			return nil, err
		}
		longest = max(longest, time.Since(stored))
	}
	return []row{{fmt.Sprintf("another process's write picked up, longest of %d", times), millisecondsOf(longest), "≤ 100 ms", judge(longest <= 100*time.Millisecond)}}, nil
}
