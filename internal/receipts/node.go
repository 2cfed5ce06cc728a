package receipts

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"sealpost/internal/secret"
)

const (
	maxAnswer = 8 << 20          // bytes; receipts with thousands of logs are large
	deadline  = 15 * time.Second // for one batch, in parts if need be

	// Batch is how many receipts share a request. With the chain id that makes
	// twenty calls.
	Batch = 19
)

// Node is an Ethereum node that speaks JSON-RPC over HTTP. It is used by one
// goroutine at a time.
type Node struct {
	url    secret.Text
	origin string
	keys   keys
	client *http.Client
	single bool // it refuses batches
}

// NewNode makes a node. The client must call the URL's origin alone; see
// guard.Pinned.
func NewNode(address secret.Text, client *http.Client) (*Node, error) {
	u, err := url.Parse(address.Reveal())
	if err != nil || u.Host == "" {
		return nil, errors.New("the node's URL is no URL") // err would show it
	}
	return &Node{url: address, origin: u.Scheme + "://" + u.Host, keys: newKeys(u), client: client}, nil
}

// Origin is what of the URL may be shown.
func (n *Node) Origin() string { return n.origin }

var askChain = call{method: "eth_chainId"}

// State is the chain id and the number of the newest block. The error is a
// [*Fault].
func (n *Node) State(ctx context.Context) (chain, head uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	answers, _, err := n.ask(ctx, []call{askChain, {method: "eth_blockNumber"}})
	if err != nil {
		return 0, 0, n.fault(err)
	}
	if chain, err = answers[0].quantity(); err != nil {
		return 0, 0, n.fault(about("eth_chainId", err))
	}
	if head, err = answers[1].quantity(); err != nil {
		return 0, 0, n.fault(about("eth_blockNumber", err))
	}
	return chain, head, nil
}

// Receipts asks for the receipts of transactions on a chain, [Batch] at most. The
// findings are in the order of the hashes; where they, or the error, hold one,
// it is a [*Fault].
func (n *Node) Receipts(ctx context.Context, chain uint64, hashes []string) ([]Finding, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	found, err := n.receipts(ctx, chain, hashes)
	if err != nil {
		return nil, n.fault(err)
	}
	for i := range found {
		if found[i].Err != nil {
			found[i].Err = n.fault(found[i].Err)
		}
	}
	return found, nil
}

// receipts has the same answer say on which chain it was given: behind one URL
// may be many nodes, and one that is astray would go unseen if another one had
// been asked for its chain.
func (n *Node) receipts(ctx context.Context, chain uint64, hashes []string) ([]Finding, error) {
	calls := []call{askChain}
	for _, hash := range hashes {
		calls = append(calls, call{"eth_getTransactionReceipt", []string{hash}})
	}
	answers, together, err := n.ask(ctx, calls)
	switch {
	case errors.Is(err, errTooLarge) && len(hashes) > 1: // one of them may be, and must not hold up the others
		half := len(hashes) / 2
		first, err := n.receipts(ctx, chain, hashes[:half])
		if err != nil {
			return nil, err
		}
		second, err := n.receipts(ctx, chain, hashes[half:])
		return append(first, second...), err
	case errors.Is(err, errTooLarge):
		return []Finding{{Err: about("the receipt of "+hashes[0], err)}}, nil
	case err != nil:
		return nil, err
	}
	asked := answers[:1]
	if !together { // asked for before and after is as close as it gets
		again, _, err := n.apart(ctx, calls[:1])
		if err != nil {
			return nil, err
		}
		asked = slices.Concat(asked, again)
	}
	for _, a := range asked {
		if is, err := a.quantity(); err != nil {
			return nil, about("eth_chainId", err)
		} else if is != chain {
			return nil, wrongChain(is, chain)
		}
	}
	found := make([]Finding, len(hashes))
	for i, hash := range hashes {
		found[i] = answers[i+1].receipt(hash)
	}
	return found, nil
}

type call struct {
	method string
	params []string
}

func (c call) encode(id int) map[string]any {
	params := c.params
	if params == nil {
		params = []string{}
	}
	return map[string]any{"jsonrpc": "2.0", "id": id, "method": c.method, "params": params}
}

// ask makes calls, together in one request where the node takes batches. The
// error says that there is no answer at all; each answer may have one of its
// own.
func (n *Node) ask(ctx context.Context, calls []call) (answers []answer, together bool, err error) {
	if !n.single {
		answers, err = n.together(ctx, calls)
		if f, is := errors.AsType[*Fault](err); !is || !f.batch {
			return answers, true, err
		}
	}
	answers, good, err := n.apart(ctx, calls)
	n.single = n.single || good
	return answers, false, err
}

func (n *Node) together(ctx context.Context, calls []call) ([]answer, error) {
	requests := make([]any, len(calls))
	for i, c := range calls {
		requests[i] = c.encode(i + 1)
	}
	body, err := n.post(ctx, requests)
	if err != nil {
		return nil, err
	}
	return parseBatch(body, len(calls))
}

// apart makes each call in a request of its own. It is good when one at least
// was answered.
func (n *Node) apart(ctx context.Context, calls []call) (answers []answer, good bool, err error) {
	answers = make([]answer, len(calls))
	var last error
	for i, c := range calls {
		body, err := n.post(ctx, c.encode(i+1))
		if err == nil {
			answers[i] = parseSingle(body, i+1)
			good = good || answers[i].err == nil
			continue
		}
		answers[i].err, last = err, err
		if f, is := errors.AsType[*Fault](err); !is || !f.batch && !errors.Is(err, errTooLarge) { // the others would fare no better
			return nil, false, err
		}
	}
	if last != nil && !good {
		return nil, false, last
	}
	return answers, good, nil
}

var errTooLarge = faultf(BadAnswer, "the node's answer is larger than 8 MiB")

// post sends one request and reads a bounded answer.
func (n *Node) post(ctx context.Context, request any) ([]byte, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, n.url.Reveal(), bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("the node's URL is no URL")
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := n.client.Do(r)
	if err != nil {
		var shown *url.Error // has the whole URL in its text
		if errors.As(err, &shown) {
			err = shown.Err
		}
		return nil, err
	}
	defer response.Body.Close() //nolint:errcheck // it was read as far as it counts
	status := response.StatusCode
	switch {
	case status >= 300 && status < 400:
		return nil, faultf(Refused, "the node answers %d, and redirects are never followed: set receipts.rpc_url to where it leads", status)
	case status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusTooManyRequests || status >= 502 && status <= 504:
		return nil, faultf(Refused, "the node answers %d", status)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > maxAnswer:
		return nil, errTooLarge
	case status != http.StatusOK && !json.Valid(text):
		return nil, &Fault{Kind: Refused, text: "the node answers " + strconv.Itoa(status), batch: true}
	}
	return text, nil
}

// fault is an error as it may be shown, with nothing of a key in it.
func (n *Node) fault(err error) *Fault {
	switch kind := kindOf(err); {
	case kind != "":
		return &Fault{Kind: kind, text: n.keys.hide(err.Error())}
	case errors.Is(err, context.DeadlineExceeded):
		return faultf(Unreachable, "no whole answer came in time")
	}
	return &Fault{Kind: Unreachable, text: n.keys.hide(err.Error())}
}
