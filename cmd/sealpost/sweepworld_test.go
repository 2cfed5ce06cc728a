package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"

	"sealpost/test/story"
)

// visit is what the sweep calls a command with. Words are separated by blanks;
// URL is a daemon's, HOOK a receiver's.
type visit struct {
	args  string
	stdin string
	code  int  // how it ends
	asks  bool // it destroys something, so it wants a confirmation
	text  bool // its data are bytes for another program, never JSON
}

// visits has every command that does something. A command that is not in here
// fails the sweep: think of what it says when it has something to say.
var visits = map[string]visit{
	"completion bash":       {text: true},
	"completion fish":       {text: true},
	"completion powershell": {text: true},
	"completion zsh":        {text: true},
	"config show":           {},
	"credential import":     {args: "credentials.csv"},
	"credential link":       {args: "--provider-user user-3 --credential cred-3"},
	"credential list":       {},
	"credential unlink":     {args: "--provider-user user-1"},
	"credential unknown":    {},
	"db backup":             {args: "another.db"},
	"db check":              {},
	"db migrate":            {},
	"db prune":              {},
	"db rekey":              {args: "--new-key env:SEALING"},
	"db restore":            {args: "backup.db", asks: true},
	"delivery cancel":       {args: "dlv_2_1", asks: true},
	"delivery get":          {args: "dlv_1_2"},
	"delivery list":         {},
	"delivery retry":        {args: "--state dead", asks: true},
	"demo":                  {},
	"check-receiver":        {args: "http://127.0.0.1:9/hook --secret env:CANARY", code: exitUsage},
	"doctor":                {code: exitNegative},
	"event get":             {args: "evt-1"},
	"event list":            {},
	"event receipt":         {args: "HELD --transaction-hash 0x" + strings.Repeat("ab", 32) + " --block-number 97"},
	"event resend":          {args: "evt-1"},
	"event types":           {},
	"help":                  {args: "publish"},
	"listen":                {args: "--address 127.0.0.1:0 --timeout 30ms --count 1", code: exitTimeout},
	"login":                 {args: "--server URL --token-file token.txt"},
	"logout":                {args: "--server URL"},
	"member add":            {args: "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"},
	"member import":         {args: "members.csv"},
	"member list":           {},
	"member remove":         {args: "0x19e7e376e7c213b7e7e7e46cc70a5dd086daff2a", asks: true},
	"member update":         {args: "0x19e7e376e7c213b7e7e7e46cc70a5dd086daff2a --role admin"},
	"org adopt":             {args: "org_none", code: exitNotFound},
	"org create":            {args: "acme"},
	"org delete":            {args: "other", asks: true},
	"org limits":            {args: "default"},
	"org list":              {},
	"org resume":            {args: "other"},
	"org suspend":           {args: "other"},
	"publish":               {args: `order.paid --data {"total":2500} --direct --to orders`},
	"quarantine list":       {},
	"quarantine push":       {args: "1", code: exitUsage},
	"serve":                 {args: "--listen 127.0.0.1:0 --tls-cert-file missing.pem --tls-key-file missing.pem", code: exitEnvironment},
	"sign":                  {args: "--secret env:CANARY --id evt-1", stdin: "{}"},
	"token create":          {args: "second"},
	"token list":            {},
	"token revoke":          {args: "ci", asks: true},
	"verify-signature":      {args: "--webhook orders -H Signature:00", stdin: "{}", code: exitNegative},
	"version":               {},
	"whoami":                {},
	"webhook apply":         {args: "-f webhooks.yaml --prune", asks: true},
	"webhook create":        {args: "more --url HOOK --event a.b=HOOK"},
	"webhook delete":        {args: "orders", asks: true},
	"webhook export":        {},
	"webhook get":           {args: "orders"},
	"webhook import":        {args: "-f webhooks.yaml"},
	"webhook list":          {},
	"webhook rotate":        {args: "orders"},
	"webhook update":        {args: "orders --event a.b=HOOK"},
}

// beside are more ways to call a command, for what only flags bring about.
var beside = []visit{
	{args: "delivery get dlv_1_2 --print http"},
	{args: "delivery get dlv_1_2 --print curl"},
	{args: "delivery get dlv_1_2 --body request"},
	{args: "delivery get dlv_1_2 --body response"},
	{args: "delivery retry --state dead --dry-run"},
	{args: "event types transaction.created"},
	{args: "event types transaction.created --schema"},
	{args: "event types transaction.created --sample"},
	{args: "help environment"},
	{args: "publish order.paid --data {} --dry-run"},
	{args: "publish order.paid --data {} --print curl"},
	{args: "publish order.paid --data {} --print http"},
	{args: "publish order.paid --data {} --print json"},
	{args: "publish order.paid --data {} --direct --id evt-9", code: exitNegative},
	{args: "publish --flow purchase --dry-run"},
	{args: "publish --flow refund --direct --to orders"},
	{args: "publish order.paid --data {} --direct --to orders --expect-status 500", code: exitExpectation},
	{args: "webhook apply -f webhooks.yaml --dry-run"},
	{args: "webhook create more --url HOOK --dry-run"},
	{args: "webhook list --help"},
	{args: "--help"},
	{args: "--version"},
}

// world is a folder with a database that has something of everything, and
// secrets that must never be seen again.
type world struct {
	exe     string // the program as it ships
	folder  string
	files   map[string]string
	url     string
	held    string
	hook    string
	secrets []string
}

const (
	canary      = "canary-signing-secret-0123456789abcdef"
	canaryOther = "canary-another-secret-0123456789abcdef"
	canaryPanda = "canary-provider-key-0123456789abcdefgh"
	canaryToken = "sp_canary_token_0123456789abcdef0123456"
	canarySeal  = "ca9a27ca9a27ca9a27ca9a27ca9a27ca9a27ca9a27ca9a27ca9a27ca9a27ca9a"
)

func newWorld(t *testing.T) *world {
	t.Helper()
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/fails" {
			w.WriteHeader(http.StatusTeapot)
		}
		_, _ = io.WriteString(w, "so it is")
	}))
	t.Cleanup(receiver.Close)
	w := &world{exe: story.Binary(t), folder: t.TempDir(), hook: receiver.URL + "/takes", secrets: []string{canary, canaryOther, canaryPanda, canaryToken, canarySeal}}
	daemon := story.New(t, []string{"SEALPOST_DATABASE=" + filepath.Join(t.TempDir(), "served.db")})
	served := w.must(t, daemon, `token create served -o json`)
	w.url, _ = daemon.Serve()
	w.secrets = append(w.secrets, token(t, served))
	p := story.New(t, w.env(w.folder))
	for name, text := range map[string]string{
		"credentials.csv": "provider_user,credential\nuser-2,cred-2\n",
		"members.csv":     "address,role\n0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359,admin\n",
		"token.txt":       token(t, served),
		"webhooks.yaml":   "webhooks:\n  added:\n    url: " + w.hook + "\n",
		"held.json": `{"id":"p-1","resource":"transaction","action":"created","body":{"id":"tx-1","type":"spend","spend":{"userId":"user-1","cardType":"virtual","status":"pending",
			"amount":2500,"currency":"usd","cardId":"card-1","localAmount":2500,"localCurrency":"usd","merchantName":"Cafe","merchantCategoryCode":"5812"}}}`,
		"stranger.json": `{"id":"p-3","resource":"card","action":"updated","body":{"id":"card-9","userId":"user-9","last4":"1234","limit":{"amount":1,"frequency":"allTime"},
			"status":"active","type":"virtual","expirationMonth":"1","expirationYear":"2030"}}`,
		"misfit.json": `{"id":"p-2","resource":"card","action":"updated","body":{"id":7}}`,
	} {
		if err := os.WriteFile(filepath.Join(w.folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, line := range []string{
		`webhook create orders --secret env:CANARY --url ` + w.hook,
		`webhook create failing --secret env:OTHER --url ` + receiver.URL + `/fails`,
		`publish order.paid --id evt-1 --data {"total":1} --direct --attempts 1`,
		`publish order.paid --id evt-2 --data {"total":2} --to orders`,
		`credential link --provider-user user-1 --credential cred-1`,
		`publish --provider panda @misfit.json`,
		`publish --provider panda @stranger.json`,
		`member add 0x19e7e376e7c213b7e7e7e46cc70a5dd086daff2a`,
		`member add 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed --role owner --org other`,
		`login --server URL --token-file token.txt`,
		`db backup backup.db`,
	} {
		w.must(t, p, line)
	}
	w.secrets = append(w.secrets, token(t, w.must(t, p, `token create ci -o json`)))
	held := w.must(t, p, `publish --provider panda @held.json --receipts-await transaction.created -o json`)
	w.held = regexp.MustCompile(`"id":"([^"]+)","state":"held"`).FindStringSubmatch(held)[1]
	w.files = contents(t, w.folder)
	return w
}

// must runs a line of the world's making; a verdict may be negative.
func (w *world) must(t *testing.T, p story.Program, line string) string {
	t.Helper()
	cmd := p.Command(t.Context(), w.words(line)...)
	cmd.Path, cmd.Dir = w.exe, w.folder
	out, err := cmd.Output()
	if code := cmd.ProcessState.ExitCode(); code > exitUsage {
		t.Fatalf("%s: %v", line, err)
	}
	return string(out)
}

func token(t *testing.T, text string) string {
	t.Helper()
	found := regexp.MustCompile(`"token":"([^"]+)"`).FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("no token in %s", text)
	}
	return found[1]
}

func (w *world) env(folder string) []string {
	return []string{
		"HOME=" + folder, "TERM=xterm-256color", "SEALPOST_DATABASE=sealpost.db", "SEALPOST_EGRESS_ALLOW=127.0.0.0/8", "SEALPOST_EGRESS_ALLOW_HTTP=true",
		"SEALPOST_METRICS_LISTEN=off", "SEALPOST_PROVIDER_PANDA_SECRET=" + canaryPanda, "SEALPOST_TOKEN=" + canaryToken,
		"CANARY=" + canary, "OTHER=" + canaryOther, "SEALING=" + canarySeal,
	}
}

func (w *world) words(line string) []string {
	return strings.Fields(strings.NewReplacer("HELD", w.held, "URL", w.url, "HOOK", w.hook).Replace(line))
}

// outing is one run of the program in a copy of the world.
type outing struct {
	world *world
	args  []string
	stdin string
	env   []string
	empty bool // without the database
	tty   int  // columns of a terminal; 0 is a pipe
	reply string
	deaf  bool // nobody reads what it prints
	watch bool
}

// outcome is what came of it. On a terminal out is all that was shown.
type outcome struct {
	out, errs string
	code      int
	killed    syscall.Signal
	changed   []string // what is otherwise in the folder afterwards
	touched   []string // what was made or written there at all, with watch
	took      time.Duration
}

// outingTime is beyond what any command takes: who needs it is waiting for
// somebody who never comes.
const outingTime = 5 * time.Minute

func (o outing) run(t *testing.T) (r outcome) {
	t.Helper()
	folder := t.TempDir()
	before := maps.Clone(o.world.files)
	if o.empty {
		delete(before, "sealpost.db")
	}
	for name, text := range before {
		path := filepath.Join(folder, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if o.watch {
		defer watch(t, folder, &r)()
	}
	ctx, cancel := context.WithTimeout(t.Context(), outingTime)
	defer cancel()
	cmd := story.New(t, slices.Concat(o.world.env(folder), o.env)).Command(ctx, o.args...)
	cmd.Path, cmd.Dir = o.world.exe, folder
	began := time.Now()
	if o.tty > 0 {
		r.out = story.OnTerminal(t, cmd, o.tty, o.reply)
	} else {
		var out, errs bytes.Buffer
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(o.stdin), &out, &errs
		if o.stdin == "" { // a pipe that stays open, and nobody ever says a word
			read, write, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer read.Close()  //nolint:errcheck // it was only kept open
			defer write.Close() //nolint:errcheck // the same
			cmd.Stdin = read
		}
		if o.deaf {
			read, write, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			_ = read.Close()
			defer write.Close() //nolint:errcheck // nobody reads it
			cmd.Stdout = write
		}
		if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
			t.Fatal(err)
		}
		r.out, r.errs = out.String(), errs.String()
	}
	if ctx.Err() != nil {
		t.Errorf("%q waits for ever", o.args)
	}
	r.took = time.Since(began)
	r.code = cmd.ProcessState.ExitCode()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		r.killed = status.Signal()
	}
	after := contents(t, folder)
	for name := range after {
		if _, was := before[name]; !was {
			r.changed = append(r.changed, name)
		}
	}
	for name, text := range before {
		if after[name] != text {
			r.changed = append(r.changed, name)
		}
	}
	for _, text := range []string{r.out, r.errs} {
		for _, s := range o.world.secrets {
			if strings.Contains(text, s) {
				t.Errorf("%q shows the secret %.12s…:\n%s", o.args, s, text)
			}
		}
	}
	return r
}

// watch has the operating system tell what is made, written or removed in a
// folder, until the function that it returns is called.
func watch(t *testing.T, folder string, r *outcome) (stop func()) {
	t.Helper()
	w, err := fsnotify.NewWatcher()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Add(folder); err != nil {
		t.Fatal(err)
	}
	const last = "the last one"
	return func() {
		t.Helper()
		defer w.Close() //nolint:errcheck // everything was heard
		if err := os.WriteFile(filepath.Join(folder, last), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		for event := range w.Events {
			if filepath.Base(event.Name) == last {
				return
			}
			if !event.Has(fsnotify.Chmod) {
				r.touched = append(r.touched, event.String())
			}
		}
	}
}

// contents are a folder's files with their contents.
func contents(t *testing.T, folder string) map[string]string {
	t.Helper()
	found := make(map[string]string)
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(folder, path)
		found[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
