package guard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	resolveTimeout = 10 * time.Second // bounds one question
	patience       = 3 * time.Second  // for the other question, when a URL is stored and one is answered
)

// family is the answer to one question: the IPv6 addresses of a name, or its IPv4
// addresses, or why there is none.
type family struct {
	six     bool
	addrs   []netip.Addr
	refused *RefusedError
}

// ask asks for both families at once, each question for itself: one that is never
// answered holds nobody up. Two answers come, if ctx lasts or not. done counts who
// still asks.
func (g *Guard) ask(ctx context.Context, d destination, done *sync.WaitGroup) chan family {
	answers := make(chan family, 2)
	for _, six := range []bool{true, false} {
		done.Go(func() {
			addrs, refused := g.question(ctx, d, six)
			answers <- family{six, addrs, refused}
		})
	}
	return answers
}

// question looks up one family of a name to the end, with no search domain.
func (g *Guard) question(ctx context.Context, d destination, six bool) ([]netip.Addr, *RefusedError) {
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	name := d.host
	if strings.Contains(name, ".") {
		name += "." // absolute, so that no search domain is tried
	}
	network := "ip4"
	if six {
		network = "ip6"
	}
	addrs, err := g.resolver.LookupNetIP(ctx, network, name)
	var dns *net.DNSError
	var other *net.AddrError // there is an answer, and no address of this family in it
	if six && errors.As(err, &other) {
		// An AAAA record may hold an IPv4 address (::ffff:10.0.0.1), which is left out
		// of the answer for IPv6. It has to be judged like any other, so both families are asked.
		addrs, err = g.resolver.LookupNetIP(ctx, "ip", name)
	}
	switch {
	case errors.As(err, &dns) && dns.IsNotFound, errors.As(err, &other), err == nil && len(addrs) == 0:
		return nil, &RefusedError{Reason: DNSNone, Host: d.host, Detail: fmt.Sprintf("%s has no address", d.host)}
	case errors.Is(err, context.Canceled):
		return nil, &RefusedError{Reason: DNSError, Host: d.host, Detail: fmt.Sprintf("looking up %s was cut short", d.host)}
	case err != nil:
		return nil, &RefusedError{Reason: DNSError, Host: d.host, Detail: fmt.Sprintf("%s could not be resolved: %s", d.host, dnsText(err))}
	}
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	return addrs, nil
}

// resolve looks both families of a name up. unanswered names the question that got no
// answer where the other one did. The errors are those of both.
func (g *Guard) resolve(ctx context.Context, d destination) (addrs []netip.Addr, unanswered string, refused *RefusedError) {
	var asked sync.WaitGroup
	defer asked.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := g.ask(ctx, d, &asked)
	late := time.NewTimer(resolveTimeout)
	defer late.Stop()
	for range 2 {
		var answer family
		select {
		case answer = <-answers:
		case <-late.C:
			cancel()
			answer = <-answers
		}
		switch {
		case answer.refused == nil:
			addrs = append(addrs, answer.addrs...)
			late.Reset(patience)
		case answer.refused.Reason == DNSError:
			unanswered, refused = recordOf(answer.six), answer.refused
		case refused == nil:
			refused = answer.refused
		}
	}
	if len(addrs) == 0 {
		return nil, "", refused
	}
	return slices.Compact(sorted(addrs)), unanswered, nil
}

// recordOf names the type of a question.
func recordOf(six bool) string {
	if six {
		return "AAAA"
	}
	return "A"
}

func dnsText(err error) string {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return dns.Err
	}
	return err.Error()
}
