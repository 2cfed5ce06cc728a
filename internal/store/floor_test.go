package store_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// writing finds the exported methods of the store that hand an operation to the writer,
// themselves or through what they call. Calls are told apart by their names alone, so
// that a method may be found that only reads, and none is missed.
func writing(t *testing.T) []string {
	t.Helper()
	packages, err := parser.ParseDir(token.NewFileSet(), ".", func(info fs.FileInfo) bool { return !strings.HasSuffix(info.Name(), "_test.go") }, 0) //nolint:staticcheck // build tags don't matter here
	if err != nil {
		t.Fatal(err)
	}
	calls := map[string]map[string]bool{}
	for _, file := range packages["store"].Files {
		for _, declared := range file.Decls {
			function, isFunction := declared.(*ast.FuncDecl)
			if !isFunction || function.Body == nil {
				continue
			}
			called := calls[function.Name.Name]
			if called == nil {
				called = map[string]bool{}
				calls[function.Name.Name] = called
			}
			ast.Inspect(function.Body, func(n ast.Node) bool {
				if call, isCall := n.(*ast.CallExpr); isCall {
					switch f := call.Fun.(type) {
					case *ast.Ident:
						called[f.Name] = true
					case *ast.SelectorExpr:
						called[f.Sel.Name] = true
					}
				}
				return true
			})
		}
	}
	writes := map[string]bool{"submit": true}
	for grown := true; grown; {
		grown = false
		for name, called := range calls {
			if writes[name] {
				continue
			}
			for other := range called {
				if writes[other] {
					writes[name], grown = true, true
					break
				}
			}
		}
	}
	var found []string
	for m := range reflect.TypeFor[*store.Store]().Methods() {
		if writes[m.Name] {
			found = append(found, m.Name)
		}
	}
	return found
}

// belowTheFloor says of each method of the store that writes whether it is taken while
// the disk has less free space than the floor, and why.
var belowTheFloor = map[string]struct { //nolint:gochecknoglobals // read only
	taken bool
	why   string
}{
	"AcceptInvitation":   {false, "adds a member"},
	"AddMembers":         {false, "adds members"},
	"AddOrganization":    {false, "sign-up"},
	"AddSession":         {false, "sign-in"},
	"AddToken":           {false, "adds a token"},
	"Adopt":              {false, "changes an organization"},
	"ChangeWebhook":      {false, "changes a webhook"},
	"CreateOrganization": {false, "adds an organization"},
	"CreateWebhook":      {false, "adds a webhook"},
	"Decline":            {false, "adds a reason"},
	"ImportWebhooks":     {false, "adds webhooks"},
	"LinkCredentials":    {false, "adds a link"},
	"OwnOrganization":    {false, "adds an organization where there is none of that name"},
	"PlaceInvitation":    {false, "adds an invitation"},
	"Publish":            {false, "adds events of publishers"},
	"Rekey":              {false, "writes all secrets anew"},
	"Resend":             {false, "adds deliveries"},
	"ResendMissing":      {false, "adds deliveries"},
	"RetryDelivery":      {false, "makes a delivery pending again"},
	"Resume":             {false, "gives a right back"},
	"Rotate":             {false, "adds a secret"},
	"SetBounds":          {false, "changes an organization"},
	"UpdateMember":       {false, "changes a member"},
	"UseNonce":           {false, "sign-in"},

	"Take":         {true, "a provider's event"},
	"Attach":       {true, "a receipt"},
	"WatchReceipt": {true, "a receipt, of which the hash is known"},
	"WaiveReceipt": {true, "a receipt: that there is none"},
	"Expire":       {true, "a receipt: that none came"},
	"Finish":       {true, "outcomes of attempts, which have happened"},
	"EndDirect":    {true, "ends a claim"},
	"SweepDirect":  {true, "ends claims"},
	"Key":          {true, "a key of the file, without which sign-in and ids can't be read"},
	"RenewSession": {true, "changes a row in place, while somebody reads"},
	"Writable":     {true, "writes nothing"},
	"TryDisk":      {true, "leaves nothing"},

	"CancelDelivery":     {true, "ends work"},
	"DeleteOrganization": {true, "frees space"},
	"DeleteWebhook":      {true, "ends work"},
	"DropQuarantined":    {true, "frees space"},
	"EndSession":         {true, "takes a right away"},
	"ForgetUnlinked":     {true, "frees space"},
	"Prune":              {true, "frees space"},
	"Purge":              {true, "frees space"},
	"RevokeToken":        {true, "takes a right away"},
	"Suspend":            {true, "takes a right away"},
	"Tidy":               {true, "frees space"},
	"UnlinkCredential":   {true, "takes a right away"},

	"Deliveries":      {true, "reads"},
	"Delivery":        {true, "reads"},
	"DeliveryID":      {true, "reads"},
	"DeliveryKey":     {true, "reads"},
	"DirectReceiver":  {true, "reads"},
	"EventDeliveries": {true, "reads"},
	"Events":          {true, "reads"},
	"Receiver":        {true, "reads"},
	"Secrets":         {true, "reads"},
}

// TestEachWriteBelowTheFloor calls each method that writes while the disk has less free
// space than the floor. A method without a row in the table fails the test.
func TestEachWriteBelowTheFloor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	create(t, open(t, path), "acme", webhook.Config{Name: "w", URL: "https://example.com/"})
	s := lowOnSpace(t, path)
	found := writing(t)
	for name := range belowTheFloor {
		if !slices.Contains(found, name) {
			t.Errorf("%s is in the table, and writes nothing", name)
		}
	}
	for _, name := range found {
		row, known := belowTheFloor[name]
		if !known {
			t.Errorf("%s writes, and the table does not say whether it does below the floor", name)
			continue
		}
		err := callEmpty(t, s, name)
		refused := webhook.CodeOf(err) == webhook.CodeUnavailable && webhook.ReasonOf(err) == webhook.ReasonMinFree
		if refused == row.taken {
			t.Errorf("%s (%s): taken should be %t; it returns %v", name, row.why, row.taken, err)
		}
	}
}

// callEmpty calls a method of the store with empty arguments, but for slices, which
// have one empty element, and returns its error.
func callEmpty(t *testing.T, s *store.Store, name string) error {
	method := reflect.ValueOf(s).MethodByName(name)
	arguments := []reflect.Value{reflect.ValueOf(t.Context())}
	for i := 1; i < method.Type().NumIn(); i++ {
		kind := method.Type().In(i)
		argument := reflect.Zero(kind)
		switch {
		case kind.Kind() == reflect.Slice:
			argument = reflect.MakeSlice(kind, 1, 1)
			if kind.Elem().Kind() == reflect.Pointer {
				argument = reflect.MakeSlice(kind, 0, 0)
			}
		case kind.Kind() == reflect.Pointer:
			argument = reflect.New(kind.Elem())
		}
		arguments = append(arguments, argument)
	}
	call := method.Call
	if method.Type().IsVariadic() {
		call = method.CallSlice
	}
	results := call(arguments)
	err, _ := results[len(results)-1].Interface().(error)
	return err
}

// lowOnSpace opens a file as on a disk that has less free space than the floor.
func lowOnSpace(t *testing.T, path string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Path: path, Space: store.Space{Least: 100, Free: func() (uint64, error) { return 99, nil }}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// TestMoneyIsTakenBelowTheFloor has the disk run low while events are held: receipts
// release them, and the outcomes of their deliveries are recorded.
func TestMoneyIsTakenBelowTheFloor(t *testing.T) {
	ctx, path := t.Context(), filepath.Join(t.TempDir(), "s.db")
	roomy := open(t, path)
	create(t, roomy, "acme", webhook.Config{Name: "w", URL: "u"})
	results, err := roomy.Publish(ctx, []webhook.Publication{awaited(t, "given", "t1", ""), awaited(t, "watched", "t2", ""), awaited(t, "none", "t3", "")})
	if err != nil {
		t.Fatal(err)
	}
	s := lowOnSpace(t, path)
	if _, err := s.Publish(ctx, []webhook.Publication{event(t, "late", `{}`)}); webhook.ReasonOf(err) != webhook.ReasonMinFree {
		t.Fatalf("publishing below the floor is %v", err)
	}
	hash := hashOf("a")
	if err := errors.Join(s.WatchReceipt(ctx, "acme", "watched", hash, now.Add(time.Hour)), s.WaiveReceipt(ctx, "acme", "none", now),
		s.Attach(ctx, "acme", "given", outcome(hash, false), now), s.Attach(ctx, "acme", "watched", outcome(hash, false), now)); err != nil {
		t.Fatal(err)
	}
	var outcomes []*webhook.Outcome
	for _, result := range results {
		deliveries, err := s.EventDeliveries(ctx, result.Seq)
		if err != nil || len(deliveries) != 1 {
			t.Fatalf("%s has %d deliveries: %v", result.ID, len(deliveries), err)
		}
		outcomes = append(outcomes, &webhook.Outcome{Work: &webhook.Work{Key: deliveries[0].Key}, State: webhook.Delivered, Attempt: webhook.Attempt{N: 1, At: now, Status: 200}})
	}
	if stale, err := s.Finish(ctx, outcomes); err != nil || len(stale) > 0 {
		t.Errorf("outcomes are not recorded: %v, %d stale", err, len(stale))
	}
}
