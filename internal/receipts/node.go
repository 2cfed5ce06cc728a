package receipts

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"sealpost/internal/secret"
)

const (
	batch     = 20               // calls that share a request
	maxAnswer = 8 << 20          // bytes; receipts with thousands of logs are large
	deadline  = 15 * time.Second // for one batch, its calls one by one if need be
)

// Node is an Ethereum node that speaks JSON-RPC over HTTP. It is used by one
// goroutine at a time.
type Node struct {
	url    secret.Text
	origin string
	hide   []string // what of the URL may be a key
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
	n := &Node{url: address, origin: u.Scheme + "://" + u.Host, client: client}
	candidates := strings.FieldsFunc(u.EscapedPath()+"/"+u.RawQuery, func(r rune) bool { return strings.ContainsRune("/&=", r) })
	if password, set := u.User.Password(); set {
		candidates = append(candidates, password)
	}
	for _, part := range append(candidates, u.User.Username()) {
		if len(part) >= 6 {
			n.hide = append(n.hide, part)
		}
	}
	return n, nil
}

// Origin is what of the URL may be shown.
func (n *Node) Origin() string { return n.origin }

// State is the chain id and the number of the newest block.
func (n *Node) State(ctx context.Context) (chain, head uint64, err error) {
	answers, err := n.ask(ctx, []call{{method: "eth_chainId"}, {method: "eth_blockNumber"}})
	if err != nil {
		return 0, 0, err
	}
	if chain, err = answers[0].quantity(); err != nil {
		return 0, 0, fmt.Errorf("eth_chainId: %w", n.scrub(err))
	}
	if head, err = answers[1].quantity(); err != nil {
		return 0, 0, fmt.Errorf("eth_blockNumber: %w", n.scrub(err))
	}
	return chain, head, nil
}

// Receipts asks for the receipts of transactions, as many as batch at most. The
// findings are in the order of the hashes.
func (n *Node) Receipts(ctx context.Context, hashes []string) ([]Finding, error) {
	calls := make([]call, len(hashes))
	for i, hash := range hashes {
		calls[i] = call{"eth_getTransactionReceipt", []string{hash}}
	}
	answers, err := n.ask(ctx, calls)
	if err != nil {
		return nil, err
	}
	found := make([]Finding, len(hashes))
	for i := range answers {
		found[i] = answers[i].receipt(hashes[i])
		if found[i].Err != nil {
			found[i].Err = n.scrub(found[i].Err)
		}
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

// refusal is an answer that may be about the batch, not about its calls.
type refusal string

func (r refusal) Error() string { return string(r) }

func isRefusal(err error) bool {
	_, is := errors.AsType[refusal](err)
	return is
}

// ask makes calls, in one request where the node takes batches. The error says
// that there is no answer at all; each answer may have one of its own.
func (n *Node) ask(ctx context.Context, calls []call) ([]answer, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	var refused error
	if !n.single && len(calls) > 1 {
		requests := make([]any, len(calls))
		for i, c := range calls {
			requests[i] = c.encode(i + 1)
		}
		body, err := n.post(ctx, requests)
		if err == nil {
			var answers []answer
			if answers, err = parseBatch(body, len(calls)); err == nil {
				return answers, nil
			}
		}
		if !isRefusal(err) {
			return nil, n.scrub(err)
		}
		refused = err
	}
	answers := make([]answer, len(calls))
	good := false
	var last error
	for i, c := range calls {
		body, err := n.post(ctx, c.encode(i+1))
		if err == nil {
			answers[i] = parseSingle(body, i+1)
			good = good || answers[i].err == nil
			continue
		}
		answers[i].err, last = err, err
		if !isRefusal(err) { // the others would fare no better
			return nil, n.scrub(err)
		}
	}
	if last != nil && !good {
		return nil, n.scrub(last)
	}
	// One that is too large says nothing about batches in general.
	n.single = n.single || refused != nil && good && !errors.Is(refused, errTooLarge)
	return answers, nil
}

const errTooLarge = refusal("the node's answer is larger than 8 MiB")

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
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > maxAnswer:
		return nil, errTooLarge
	case response.StatusCode == http.StatusUnauthorized || response.StatusCode == http.StatusForbidden || response.StatusCode == http.StatusTooManyRequests || response.StatusCode >= 502 && response.StatusCode <= 504:
		return nil, fmt.Errorf("the node answers %d", response.StatusCode)
	case response.StatusCode != http.StatusOK && !json.Valid(text):
		return nil, refusal(fmt.Sprintf("the node answers %d", response.StatusCode))
	}
	return text, nil
}

// scrub takes what may be a key out of an error's text, for nodes like to repeat
// the one that they refuse, and then bounds it. The other way round, a key that
// stands across the bound would be shown in part.
func (n *Node) scrub(err error) error {
	text := err.Error()
	for _, part := range n.hide {
		text = strings.ReplaceAll(text, part, "…")
	}
	if text = cut(text); text == err.Error() {
		return err
	}
	return errors.New(text)
}

// cut bounds what a node's words may take up in the log.
func cut(text string) string {
	const most = 400
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
