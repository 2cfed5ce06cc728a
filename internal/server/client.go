package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/avast/retry-go/v4"

	"sealpost/internal/admin"
	"sealpost/internal/secret"
	"sealpost/internal/webhook"
)

// Client speaks the API that [Server] answers, with the same methods as
// [admin.Service], so that the command line works on a daemon as it does on a
// file. The organization is the token's; names of organizations are ignored.
//
// Of an older server's answers unknown members are tolerated, and what it may
// not know is sent only when it was asked for.
type Client struct {
	base   string
	http   *http.Client // pinned to the server
	header http.Header  // what signs in
}

// NewClient makes a client of the server at a base URL. header carries what
// signs in: an Authorization or a Cookie.
func NewClient(base string, client *http.Client, header http.Header) *Client {
	return &Client{base: strings.TrimSuffix(base, "/"), http: client, header: header}
}

// maxAnswer bounds an answer, in bytes.
const maxAnswer = 64 << 20

// patience bounds one exchange: a server that takes a call and never answers holds
// nobody for good.
const patience = time.Minute

// call is one request.
type call struct {
	method, path string
	query        url.Values
	body         []byte
	ifMatch      string
	again        bool // may be sent twice: it changes nothing, or the same thing once
}

// do makes a call, again a few times when the server is busy or out of reach
// and the call allows it.
func (c *Client) do(ctx context.Context, in call) (body []byte, header http.Header, err error) {
	tries := uint(1)
	if in.again {
		tries = 4
	}
	err = retry.Do(func() error {
		body, header, err = c.once(ctx, in)
		return err
	}, retry.Context(ctx), retry.Attempts(tries), retry.Delay(100*time.Millisecond), retry.MaxDelay(2*time.Second), retry.LastErrorOnly(true),
		retry.RetryIf(func(err error) bool {
			code := webhook.CodeOf(err)
			return code == webhook.CodeUnavailable || code == webhook.CodeTooManyRequests || code == webhook.CodeLimitReached && waitingHelps(err)
		}))
	return body, header, err
}

func (c *Client) once(outer context.Context, in call) ([]byte, http.Header, error) {
	ctx, cancel := context.WithTimeout(outer, patience)
	defer cancel()
	target := c.base + in.path
	if len(in.query) > 0 {
		target += "?" + in.query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, in.method, target, bytes.NewReader(in.body))
	if err != nil {
		return nil, nil, webhook.Errorf(webhook.CodeBadRequest, fmt.Sprintf("%s is no address of a server", c.base)).Wrap(err)
	}
	for name, values := range c.header {
		request.Header[name] = values
	}
	if in.body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if in.ifMatch != "" {
		request.Header.Set("If-Match", in.ifMatch)
	}
	response, err := c.http.Do(request)
	if err != nil {
		if ctx.Err() != nil {
			return nil, nil, c.unanswered(outer)
		}
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return nil, nil, webhook.Errorf(webhook.CodeUnavailable, fmt.Sprintf("can't reach the server %s: %v", c.base, err)).
			WithHint("check --server, and that `sealpost serve` runs there").Wrap(err)
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil && ctx.Err() != nil {
		return nil, nil, c.unanswered(outer)
	}
	if err != nil {
		return nil, nil, webhook.Errorf(webhook.CodeUnavailable, fmt.Sprintf("the answer of %s was cut short: %v", c.base, err)).Wrap(err)
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return nil, nil, c.fault(response, body)
	}
	return body, response.Header, nil
}

// unanswered is the error of a call whose time is up, the caller's own or ours.
func (c *Client) unanswered(outer context.Context) error {
	if outer.Err() != nil {
		return context.Cause(outer)
	}
	return webhook.Errorf(webhook.CodeTimeout, fmt.Sprintf("the server %s has not answered within %s", c.base, patience)).
		WithHint("what was asked for may have been done; see before repeating it")
}

// fault turns an error answer into the error that the same call on a file
// would have given.
func (c *Client) fault(response *http.Response, body []byte) error {
	var p problem
	if json.Unmarshal(body, &p) != nil || p.Code == "" {
		code := webhook.CodeUnavailable
		for known, status := range statuses {
			if status == response.StatusCode && (known == webhook.CodeUnauthorized || known == webhook.CodeNoPermission || known == webhook.CodeNotFound || known == webhook.CodeTooManyRequests) {
				code = known
			}
		}
		return webhook.Errorf(code, fmt.Sprintf("%s answered %s, which is not sealpost's way", c.base, response.Status)).WithHint("check --server")
	}
	fault := &webhook.Error{Code: webhook.Code(p.Code), Messages: p.Message}
	switch fault.Code {
	case webhook.CodeNotFound:
		if len(fault.Messages) == 0 { // ours says what
			fault.Messages = []string{"not found: " + response.Request.Method + " " + response.Request.URL.EscapedPath()}
			fault.Hint = "either there is none of this name, or that server does not know the call"
		}
	case webhook.CodeUnauthorized:
		fault.Hint = "sign in with `sealpost login`, or give a token with --token"
	case webhook.CodeNoPermission, webhook.CodeNoOrganization:
		fault.Hint = "ask an owner or admin of the organization"
	case webhook.CodeTooManyRequests, webhook.CodeUnavailable:
		fault.Hint = "try again later"
	case webhook.CodeLimitReached:
		fault.Hint = "make room first, or ask the server's operator to raise the bound"
		if fault.Waiting = response.Header.Get("Retry-After") != ""; fault.Waiting {
			fault.Hint = "try again later"
		}
	}
	return fault.Advise()
}

// Close closes idle connections.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

func webhookPath(name string) string { return "/api/webhook/" + url.PathEscape(name) }

// Create is [admin.Service.Create]. A secret of one's own can't be sent when
// creating; give it by rotation.
func (c *Client) Create(ctx context.Context, _, name string, patch *webhook.Patch, value secret.Text, ifAbsent bool) (admin.Created, error) {
	if err := webhook.CheckName(name); err != nil {
		return admin.Created{}, err
	}
	text, err := patch.JSON()
	if err != nil {
		return admin.Created{}, err
	}
	if !value.IsZero() {
		return admin.Created{}, webhook.Errorf(webhook.CodeBadRequest, "a server makes the secret of a new webhook itself").
			WithHint("create it, then set the secret with `sealpost webhook rotate NAME --now --secret SRC`")
	}
	body, _, err := c.do(ctx, call{method: http.MethodPost, path: webhookPath(name), body: text})
	if webhook.CodeOf(err) == webhook.CodeNameConflict && ifAbsent {
		found, err := c.Get(ctx, "", name)
		return admin.Created{Config: found.Config, Existed: true}, err
	}
	if err != nil {
		return admin.Created{}, err
	}
	created, err := decodeCreated(name, body)
	created.Lacking = patch.Lacking(&created.Config)
	return created, err
}

func decodeCreated(name string, body []byte) (admin.Created, error) {
	config, err := decodeConfig(name, body)
	if err != nil {
		return admin.Created{}, err
	}
	var shown struct{ Secret string }
	if err := json.Unmarshal(body, &shown); err != nil {
		return admin.Created{}, badAnswer(err)
	}
	return admin.Created{Config: config, Secret: secret.New(shown.Secret)}, nil
}

func badAnswer(err error) error {
	return webhook.Errorf(webhook.CodeUnavailable, "the server's answer can't be read: "+err.Error()).WithHint("check --server").Wrap(err)
}

// decodeConfig reads a webhook as servers show it.
func decodeConfig(name string, body []byte) (webhook.Config, error) {
	config, err := webhook.ReadShown(name, body)
	if err != nil {
		return config, badAnswer(err)
	}
	return config, nil
}

// Get is [admin.Service.Get].
func (c *Client) Get(ctx context.Context, _, name string) (webhook.Webhook, error) {
	if err := webhook.CheckName(name); err != nil {
		return webhook.Webhook{}, err
	}
	body, header, err := c.do(ctx, call{method: http.MethodGet, path: webhookPath(name), again: true})
	if err != nil {
		return webhook.Webhook{}, err
	}
	config, err := decodeConfig(name, body)
	found := webhook.Webhook{Config: config, Tag: header.Get("ETag")}
	found.FailingSince, found.PreviousUntil = readTime(header.Get(headerFailingSince)), readTime(header.Get(headerPreviousUntil))
	found.RetryAfter.Time = readTime(header.Get(headerRetryAfter))
	if n, err := strconv.ParseInt(header.Get(headerMissed), 10, 64); err == nil {
		found.Missed = webhook.Gap{Events: n, Since: readTime(header.Get(headerMissedSince))}
	}
	if why, unquoted := strconv.Unquote(header.Get(headerDisabled)); unquoted == nil {
		found.DisabledWhy = why
	}
	return found, err
}

// List is [admin.Service.List].
func (c *Client) List(ctx context.Context, _ string) ([]webhook.Webhook, error) {
	body, _, err := c.do(ctx, call{method: http.MethodGet, path: "/api/webhook", again: true})
	if err != nil {
		return nil, err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(body, &all); err != nil {
		return nil, badAnswer(err)
	}
	found := make([]webhook.Webhook, 0, len(all))
	for _, name := range sortedKeys(all) {
		config, err := decodeConfig(name, all[name])
		if err != nil {
			return nil, err
		}
		found = append(found, webhook.Webhook{Config: config})
	}
	return found, nil
}

// Lacking is the error of a server that passed over fields of a change because it
// does not know them; nil if there are none. Its code is [webhook.CodeUnavailable].
func Lacking(names []string) error {
	if len(names) == 0 {
		return nil
	}
	return webhook.Errorf(webhook.CodeUnavailable, fmt.Sprintf("the server is older and does not know %s; it made the rest of the change", strings.Join(names, ", "))).
		WithHint("upgrade the server, then make the change again")
}

// Update is [admin.Service.Update].
func (c *Client) Update(ctx context.Context, _, name string, patch *webhook.Patch, ifMatch string) (webhook.Config, error) {
	if err := webhook.CheckName(name); err != nil {
		return webhook.Config{}, err
	}
	text, err := patch.JSON()
	if err != nil {
		return webhook.Config{}, err
	}
	body, _, err := c.do(ctx, call{method: http.MethodPatch, path: webhookPath(name), body: text, ifMatch: ifMatch})
	if err != nil {
		return webhook.Config{}, err
	}
	config, err := decodeConfig(name, body)
	if err != nil {
		return config, err
	}
	return config, Lacking(patch.Lacking(&config))
}

// Put is [admin.Service.Put].
func (c *Client) Put(ctx context.Context, _, name string, patch *webhook.Patch, ifMatch string) (admin.Created, bool, error) {
	if err := webhook.CheckName(name); err != nil {
		return admin.Created{}, false, err
	}
	text, err := patch.JSON()
	if err != nil {
		return admin.Created{}, false, err
	}
	body, _, err := c.do(ctx, call{method: http.MethodPut, path: webhookPath(name), body: text, ifMatch: ifMatch})
	if err != nil {
		return admin.Created{}, false, err
	}
	created, err := decodeCreated(name, body)
	created.Lacking = patch.Lacking(&created.Config)
	return created, !created.Secret.IsZero(), err
}

// Delete is [admin.Service.Delete].
func (c *Client) Delete(ctx context.Context, _, name, ifMatch string) error {
	if err := webhook.CheckName(name); err != nil {
		return err
	}
	_, _, err := c.do(ctx, call{method: http.MethodDelete, path: webhookPath(name), ifMatch: ifMatch})
	return err
}

// Rotate is [admin.Service.Rotate].
func (c *Client) Rotate(ctx context.Context, _, name string, rotation webhook.Rotation) (admin.Rotated, error) {
	if err := webhook.CheckName(name); err != nil {
		return admin.Rotated{}, err
	}
	in := map[string]any{"overlap": rotation.Overlap.Seconds()}
	if rotation.Force {
		in["now"] = true
	}
	if !rotation.Secret.IsZero() {
		in["secret"] = rotation.Secret.Reveal()
	}
	text, err := json.Marshal(in)
	if err != nil {
		return admin.Rotated{}, err
	}
	body, _, err := c.do(ctx, call{method: http.MethodPost, path: webhookPath(name) + "/rotate", body: text})
	if err != nil {
		return admin.Rotated{}, err
	}
	var out struct{ Secret, PreviousUntil string }
	if err := json.Unmarshal(body, &out); err != nil {
		return admin.Rotated{}, badAnswer(err)
	}
	if out.Secret == "" {
		return admin.Rotated{}, badAnswer(errors.New("it holds no secret"))
	}
	return admin.Rotated{Secret: secret.New(out.Secret), PreviousUntil: readTime(out.PreviousUntil)}, nil
}

func readTime(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return t
}

func limitText(limit int) string {
	if limit <= 0 {
		return ""
	}
	return strconv.Itoa(limit)
}
