package access

import (
	"slices"
	"testing"

	"sealpost/internal/webhook"
)

// TestPermissionTable is the contract's table (part 8), written out once more.
func TestPermissionTable(t *testing.T) {
	type row struct{ owner, admin, member, publisher Reach }
	table := map[Permission]row{
		WebhookCreate:    {All, All, None, None},
		WebhookRead:      {All, All, None, None},
		WebhookUpdate:    {All, All, None, None},
		WebhookDelete:    {All, All, None, None},
		WebhookRotate:    {All, All, None, None},
		EventPublish:     {All, All, None, All},
		EventReceipt:     {All, All, None, Own},
		EventResend:      {All, All, None, None},
		EventRead:        {All, All, All, Own},
		EventBody:        {All, All, None, Own},
		DeclineLeave:     {All, All, None, All},
		DeliveryRead:     {All, All, All, Own},
		DeliveryRetry:    {All, All, None, None},
		DeliveryCancel:   {All, All, None, None},
		TokenManage:      {All, All, None, None},
		MemberManage:     {All, All, None, None},
		InvitationManage: {All, All, None, None},
	}
	if len(table) != len(Permissions) {
		t.Errorf("%d permissions are in the table, %d exist", len(table), len(Permissions))
	}
	for _, permission := range Permissions {
		want, found := table[permission]
		if !found {
			t.Errorf("%s is not in the table", permission)
		}
		for role, reach := range map[Role]Reach{Owner: want.owner, Admin: want.admin, Member: want.member, Publisher: want.publisher} {
			if got := ReachOf(role, permission); got != reach || Can(role, permission) != (reach != None) {
				t.Errorf("%s of %s reaches %d, want %d", permission, role, got, reach)
			}
		}
	}
	for _, role := range []Role{"", "root", "OWNER"} {
		for _, permission := range Permissions {
			if Can(role, permission) {
				t.Errorf("the role %q can %s", role, permission)
			}
		}
	}
	if Can(Owner, "everything") {
		t.Error("an owner can what there is not")
	}
}

func TestCallerCheck(t *testing.T) {
	publisher := Token{ID: "t1", Organization: "o", Role: Publisher}.Caller()
	if err := publisher.Check(EventReceipt); err != nil {
		t.Error(err)
	}
	if scope := publisher.Scope(EventReceipt); scope != "t1" {
		t.Errorf("a publisher's receipts are for %q", scope)
	}
	if scope := Local("o").Scope(EventReceipt); scope != "" {
		t.Errorf("the command line's receipts are for %q", scope)
	}
	wantKind(t, publisher.Check(WebhookRead), webhook.CodeNoPermission)
	wantKind(t, Caller{}.Check(EventRead), webhook.CodeNoPermission)
	for caller, name := range map[Caller]string{publisher: "token:t1", {User: "usr_1"}: "user:usr_1", Local("o"): "local"} {
		if caller.String() != name {
			t.Errorf("%+v is called %s", caller, caller)
		}
	}
}

func TestMayGrant(t *testing.T) {
	may := map[Role][]Role{
		Owner:     {Owner, Admin, Member, Publisher},
		Admin:     {Admin, Member, Publisher},
		Member:    nil,
		Publisher: nil,
		"":        nil,
	}
	for role, granted := range may {
		for _, other := range []Role{Owner, Admin, Member, Publisher, "", "root"} {
			if got, want := role.MayGrant(other), slices.Contains(granted, other); got != want {
				t.Errorf("%q may grant %q: %t", role, other, got)
			}
		}
	}
}

func TestMayChange(t *testing.T) {
	for _, test := range []struct {
		actor, from, to Role
		want            bool
	}{
		{Owner, Owner, Admin, true}, {Owner, Member, Owner, true}, {Owner, Owner, "", true},
		{Admin, Member, Admin, true}, {Admin, Admin, Member, true}, {Admin, Admin, "", true},
		{Admin, Owner, Admin, false}, {Admin, Owner, "", false}, {Admin, Admin, Owner, false},
		{Owner, Member, Publisher, false}, {Owner, Member, "root", false},
		{Member, Member, "", false}, {Publisher, Member, "", false},
	} {
		if got := test.actor.MayChange(test.from, test.to); got != test.want {
			t.Errorf("%s may change %s to %q: %t", test.actor, test.from, test.to, got)
		}
	}
}

// TestGrants asks what better-auth 1.6 and 1.7 were asked, and their answers.
func TestGrants(t *testing.T) {
	type question = map[string][]string
	for _, test := range []struct {
		role  Role
		asked question
		want  bool
	}{
		{Owner, question{"organization": {"update", "delete"}}, true},
		{Admin, question{"organization": {"update"}}, true},
		{Admin, question{"organization": {"delete"}}, false},
		{Admin, question{"member": {"create", "update", "delete"}, "invitation": {"create", "cancel"}}, true},
		{Admin, question{"member": {"create"}, "organization": {"delete"}}, false},
		{Member, question{"ac": {"read"}}, true},
		{Member, question{"ac": {"read"}, "member": {"create"}}, false},
		{Owner, question{"organization": {}}, false},
		{Owner, question{}, false},
		{Owner, nil, false},
		{Owner, question{"moon": {"read"}}, false},
		{Owner, question{"webhook": {"create", "read", "update", "delete"}}, true},
		{Admin, question{"webhook": {"create", "read", "update", "delete"}}, true},
		{Member, question{"webhook": {"read"}}, false},
		{Owner, question{"webhook": {"rotate-everything"}}, false},
		{"", question{"ac": {"read"}}, false},
	} {
		if got := Grants(test.role, test.asked); got != test.want {
			t.Errorf("%q, %v: %t", test.role, test.asked, got)
		}
	}
}
