package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"sealpost/internal/config"
	"sealpost/internal/guard"
	"sealpost/internal/metrics"
	"sealpost/internal/receipts"
	"sealpost/internal/store"
)

// newNode makes the Ethereum node of the settings. Its client calls the URL's
// own origin and nothing else.
func newNode(c *config.Config) (*receipts.Node, error) {
	const hint = "for instance https://node.example.com/v1/access-key"
	u, err := url.Parse(c.Receipts.RPCURL.Reveal())
	if err != nil {
		return nil, &usageError{"receipts.rpc_url is no URL", hint} // err would show it
	}
	client, err := guard.Pinned((&url.URL{Scheme: u.Scheme, Host: u.Host}).String(), guard.PinnedOptions{CAFile: c.Egress.CAFile})
	if err != nil {
		return nil, &usageError{"receipts.rpc_url: " + err.Error(), hint}
	}
	return receipts.NewNode(c.Receipts.RPCURL, client)
}

// nodeChain is the chain id that the node must have.
func nodeChain(c *config.Config) int { return cmp.Or(c.Receipts.ChainID, c.Auth.SIWE.ChainID) }

// newWatcher makes what watches for receipts; nil when nobody asked for it.
func (a *app) newWatcher(c *config.Config, s *store.Store, counts *metrics.Metrics, log *slog.Logger) (*receipts.Watcher, error) {
	if c.Receipts.RPCURL.IsZero() {
		return nil, nil
	}
	node, err := newNode(c)
	if err != nil {
		return nil, err
	}
	counts.ExpectNode(receipts.Faults...)
	log.Info("receipts are watched for", "node", node.Origin(), "chain", nodeChain(c), "confirmations", c.Receipts.Confirmations)
	return receipts.New(s, node, receipts.Options{
		ChainID: uint64(nodeChain(c)), Confirmations: uint64(c.Receipts.Confirmations), Interval: c.Receipts.Interval,
		Log: log, Meter: counts, Now: a.now,
	}), nil
}

// examineNode asks the node for its chain and its head, and then for receipts
// that events wait for, as the daemon does.
func (a *app) examineNode(ctx context.Context, d *diagnosis, c *config.Config, s *store.Store) {
	if c.Receipts.RPCURL.IsZero() {
		return
	}
	node, err := newNode(c)
	if err != nil {
		f := describe(err)
		d.fail("receipts.node", "receipts.rpc_url", f.Hint, "%s", f.Message)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	began := time.Now()
	const fix = "check receipts.rpc_url and the node; events wait meanwhile"
	want := uint64(nodeChain(c))
	chain, head, err := node.State(ctx)
	switch {
	case err != nil:
		d.fail("receipts.node", node.Origin(), fix, "it can't be used: %v", err)
		return
	case chain != want:
		d.fail("receipts.node", node.Origin(), "set receipts.rpc_url to a node of the right chain, or "+fmt.Sprintf("receipts.chain_id to %d", chain),
			"its chain id is %d instead of %d, so none of its receipts is believed", chain, want)
		return
	}
	took := time.Since(began).Round(time.Millisecond)
	var hashes []string
	waiting, err := s.Watched(ctx, 0, receipts.Batch)
	for _, e := range waiting {
		if hash := strings.ToLower(e.TransactionHash); !slices.Contains(hashes, hash) {
			hashes = append(hashes, hash)
		}
	}
	var found []receipts.Finding
	if err == nil && hashes != nil {
		found, err = node.Receipts(ctx, want, hashes)
	}
	bad := slices.DeleteFunc(found, func(f receipts.Finding) bool { return f.Err == nil })
	switch {
	case err != nil:
		d.fail("receipts.node", node.Origin(), fix, "its receipts can't be used: %v", err)
	case len(bad) > 0:
		d.fail("receipts.node", node.Origin(), fix, "of %d receipts that are waited for, its answer to %d can't be believed: %v", len(hashes), len(bad), bad[0].Err)
	default:
		d.pass("receipts.node", node.Origin(), "chain %d, block %d, answered in %s", chain, head, took)
	}
}
