package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// rounds is how often raw, forwarder and daemon are measured, by turns: what
// else the machine does then strikes all three, and one slow sync of a shared
// disk decides nothing.
const rounds = 5

// round is what the three reached in a row.
type round struct{ raw, forwarder, daemon flow }

// throughput measures the daemon beside the raw limit and the forwarder. Its
// figures are medians over the rounds, shares those within each round.
func throughput(title string, clients, batch int, ofRaw, ofForwarder float64) func(context.Context, *bench) ([]row, error) {
	return func(ctx context.Context, b *bench) ([]row, error) {
		d, err := b.newDaemon(ctx)
		if err != nil {
			return nil, err
		}
		defer d.stop()
		var all []round
		for range rounds {
			r, err := b.round(ctx, d, clients, batch)
			if err != nil {
				return nil, err
			}
			all = append(all, r)
		}
		memory, err := d.process.memory()
		if err != nil {
			return nil, err
		}
		of := func(what func(round) float64) spread { return spreadOf(all, what) }
		share := of(func(r round) float64 { return r.daemon.rate / r.raw.rate })
		beside := of(func(r round) float64 { return r.daemon.rate / r.forwarder.rate })
		cpu := of(func(r round) float64 { return float64(r.daemon.cpu) }).time()
		p50 := of(func(r round) float64 { return float64(r.daemon.received.P50) }).time()
		p99 := of(func(r round) float64 { return float64(r.daemon.received.P99) }).time()
		forwarder := fmt.Sprintf("%s (%.2f of raw), %s of CPU per event",
			perSecond(of(func(r round) float64 { return r.forwarder.rate }).median),
			of(func(r round) float64 { return r.forwarder.rate / r.raw.rate }).median,
			millisecondsOf(of(func(r round) float64 { return float64(r.forwarder.cpu) }).time()))
		rows := []row{
			{title + ": raw, 16 connections", perSecond(of(func(r round) float64 { return r.raw.rate }).median), "", plain},
			{title + ": forwarder", forwarder, "", plain},
			{title + ": accepted and delivered", fmt.Sprintf("%s (%s of raw)", perSecond(of(func(r round) float64 { return r.daemon.rate }).median), share),
				fmt.Sprintf("≥ %.2f of raw", ofRaw), judge(share.median >= ofRaw)},
		}
		if ofForwarder > 0 {
			rows = append(rows, row{title + ": beside the forwarder", beside.String(), fmt.Sprintf("≥ %.2f", ofForwarder), judge(beside.median >= ofForwarder)})
		}
		rows = append(rows, row{title + ": CPU per event", millisecondsOf(cpu), "≤ 0.1 ms", judge(cpu <= 100*time.Microsecond)})
		if batch == 1 {
			rows = append(rows, row{title + ": publish → received, p50 / p99", millisecondsOf(p50) + " / " + millisecondsOf(p99), "p99 ≤ 40 ms", judge(p99 <= 40*time.Millisecond)})
		}
		return append(rows, row{title + ": memory", megabytes(memory), "≤ 120 MB", judge(memory <= 120<<20)}), nil
	}
}

// round measures the three one after the other.
func (b *bench) round(ctx context.Context, d *daemon, clients, batch int) (r round, err error) {
	short := []string{"-time", (b.length / 2).String()}
	shape := append(slices.Clone(short), "-clients", fmt.Sprint(clients), "-batch", fmt.Sprint(batch))
	if r.raw, err = b.flow(ctx, "", append(slices.Clone(short), "-target", b.receiver.url, "-clients", "16")...); err != nil {
		return r, err
	}
	if r.forwarder, err = b.busy(ctx, b.forwarder, "", append(slices.Clone(shape), "-target", b.forwarder.url)...); err != nil {
		return r, err
	}
	r.daemon, err = b.busy(ctx, d.process, d.token, append(slices.Clone(shape), "-target", d.process.url+"/api/event")...)
	return r, err
}

// spread is a figure over several rounds.
type spread struct{ least, median, most float64 }

func spreadOf(all []round, what func(round) float64) spread {
	values := make([]float64, len(all))
	for i, r := range all {
		values[i] = what(r)
	}
	slices.Sort(values)
	return spread{values[0], values[len(values)/2], values[len(values)-1]}
}

func (s spread) time() time.Duration { return time.Duration(s.median) }

func (s spread) String() string { return fmt.Sprintf("%.2f, %.2f to %.2f", s.median, s.least, s.most) }
