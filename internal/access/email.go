package access

import "strings"

// E-mail addresses here are names that an invitation is sent to, no more: none
// is ever proved, none identifies anybody.

// EmailDomain is the domain of derived e-mail addresses: the sign-in domain
// without its port, in lower case, and localhost.com for localhost.
func (p Policy) EmailDomain() string {
	host, _, _ := strings.Cut(strings.ToLower(p.Domain), ":")
	if host == "localhost" {
		return "localhost.com"
	}
	return host
}

// Email derives the e-mail address of a wallet.
func (p Policy) Email(address Address) string { return address.Lower() + "@" + p.EmailDomain() }

// Derived returns the wallet that an e-mail address (as [ParseEmail] gives it)
// is derived from, if it is.
func (p Policy) Derived(email string) (Address, bool) {
	local, domain, _ := strings.Cut(email, "@")
	if domain != p.EmailDomain() {
		return Address{}, false
	}
	address, err := ParseAddress(local)
	return address, err == nil
}

// Claim judges the e-mail address that a wallet names at sign-in and returns it
// in lower case; empty is no claim. Another wallet's derived address is refused:
// invitations to it are that wallet's alone.
func (p Policy) Claim(address Address, email string) (string, error) {
	if email == "" {
		return "", nil
	}
	claim, err := ParseEmail(email)
	if err != nil {
		return "", err
	}
	if owner, derived := p.Derived(claim); derived && owner != address {
		return "", Fault(CodeInvalidEmail, quote(claim)+" belongs to another wallet")
	}
	return claim, nil
}

// ParseEmail checks an e-mail address and returns it in lower case: the
// dot-atom form of RFC 5322 in ASCII, of at most 64 characters before the @
// and a host name after it. The error is an [*Error] with [CodeInvalidEmail].
func ParseEmail(text string) (string, error) {
	const special = "!#$%&'*+-/=?^_`{|}~"
	local, domain, found := strings.Cut(text, "@")
	fine := found && len(local) <= 64 && isHost(domain)
	for atom := range strings.SplitSeq(local, ".") {
		fine = fine && atom != "" && consistsOf(atom, special, false)
	}
	if !fine {
		return "", Fault(CodeInvalidEmail, quote(text)+" is not of the form name@example.com")
	}
	return strings.ToLower(text), nil
}
