package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/net/dns/dnsmessage"
)

// badNames are ways in which a name that was good when it was stored goes bad,
// and the code under which the attempts of that time are told of.
var badNames = map[string]struct {
	resolve resolution
	code    string
}{
	"servfail": {func() ([]string, dnsmessage.RCode, bool) { return nil, dnsmessage.RCodeServerFailure, true }, "dns_error"},
	"refused":  {func() ([]string, dnsmessage.RCode, bool) { return nil, dnsmessage.RCodeRefused, true }, "dns_error"},
	"nowhere":  {func() ([]string, dnsmessage.RCode, bool) { return nil, dnsmessage.RCodeNameError, true }, "dns_none"},
	"nothing":  {leads(), "dns_none"},
	"silent":   {func() ([]string, dnsmessage.RCode, bool) { return nil, 0, false }, "dns_error"},
	"private":  {leads("10.0.0.1"), "rebind"},
	"metadata": {leads("169.254.169.254"), "rebind"},
	"mapped":   {leads("::ffff:10.0.0.1"), "rebind"},
	"trap":     {leads(trapped), "rebind"},
	"both":     {leads("127.0.0.1", trapped), "rebind"},
}

// flapping is a name that leads somewhere else, to nowhere and to the receiver
// by turns.
const flapping = "flaps"

// trapped is where a name must not lead: somebody listens there, and nobody may
// come.
const trapped = "127.0.0.2"

// resolution is what a DNS server says of a name; heard is false when it says
// nothing.
type resolution func() (addrs []string, code dnsmessage.RCode, heard bool)

func leads(addrs ...string) resolution {
	return func() ([]string, dnsmessage.RCode, bool) { return addrs, dnsmessage.RCodeSuccess, true }
}

// resolver is a DNS server. Names lead to 127.0.0.1 unless told otherwise.
type resolver struct {
	conn net.PacketConn
	mu   sync.Mutex
	bad  map[string]resolution // by the first label
}

func newResolver() (*resolver, error) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &resolver{conn: conn, bad: make(map[string]resolution)}
	go r.serve() // until the connection is closed
	return r, nil
}

func (r *resolver) serve() {
	query := make([]byte, 1500)
	for {
		n, from, err := r.conn.ReadFrom(query)
		if err != nil {
			return
		}
		if reply := r.reply(query[:n]); reply != nil {
			_, _ = r.conn.WriteTo(reply, from)
		}
	}
}

// tell sets what is said of a name; nil is the truth.
func (r *resolver) tell(name string, what resolution) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bad[name] = what
}

func (r *resolver) reply(query []byte) []byte {
	var m dnsmessage.Message
	if m.Unpack(query) != nil || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	name, _, _ := strings.Cut(q.Name.String(), ".")
	r.mu.Lock()
	what := r.bad[name]
	r.mu.Unlock()
	if what == nil {
		what = leads("127.0.0.1")
	}
	addrs, code, heard := what()
	if !heard {
		return nil
	}
	m.Response, m.RCode, m.RecursionAvailable, m.Additionals = true, code, true, nil
	header := dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET}
	for _, text := range addrs {
		switch addr := netip.MustParseAddr(text); {
		case addr.Is4() && q.Type == dnsmessage.TypeA:
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: addr.As4()}})
		case addr.Is6() && q.Type == dnsmessage.TypeAAAA:
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AAAAResource{AAAA: addr.As16()}})
		}
	}
	reply, err := m.Pack()
	if err != nil {
		return nil
	}
	return reply
}

func nameNames() []string {
	list := []string{flapping}
	for name := range badNames {
		list = append(list, name)
	}
	return list
}

// resolving sends events to receivers whose names go bad after they were stored,
// and come back.
func resolving(ctx context.Context, w *world) error {
	dns, err := newResolver()
	if err != nil {
		return err
	}
	defer dns.conn.Close() //nolint:errcheck // the scenario is over
	_, port, err := net.SplitHostPort(strings.TrimPrefix(w.receiver.server.URL, "http://"))
	if err != nil {
		return err
	}
	trap, err := net.Listen("tcp", net.JoinHostPort(trapped, port))
	if err != nil {
		return err
	}
	defer trap.Close() //nolint:errcheck // the scenario is over
	var caught atomic.Int64
	go func() {
		for conn, err := trap.Accept(); err == nil; conn, err = trap.Accept() {
			caught.Add(1)
			_ = conn.Close()
		}
	}()
	w.env = append(w.env, "SEALPOST_EGRESS_RESOLVER="+dns.conn.LocalAddr().String(), "SEALPOST_EGRESS_ALLOW=127.0.0.1/32")
	for _, name := range nameNames() {
		if err := w.json(ctx, nil, "webhook", "update", name, "--url", "http://"+name+".example.com:"+port+"/"+name); err != nil {
			return err
		}
	}
	for name, bad := range badNames {
		dns.tell(name, bad.resolve)
	}
	var asked atomic.Int64
	dns.tell(flapping, func() ([]string, dnsmessage.RCode, bool) {
		switch asked.Add(1) / 3 % 4 {
		case 0:
			return leads(trapped)()
		case 1:
			return nil, dnsmessage.RCodeServerFailure, true
		}
		return leads("127.0.0.1")()
	})
	if err := w.start(ctx); err != nil {
		return err
	}
	if n := w.client.many(eventsOfEach); n != eventsOfEach {
		return fmt.Errorf("only %d of %d events were taken", n, eventsOfEach)
	}
	if err := relent(ctx, w, badNames, func(name string) { dns.tell(name, nil) }); err != nil {
		return err
	}
	faults := []error{w.rest(ctx)}
	for name, bad := range badNames {
		faults = append(faults, w.expect(name, bad.code, "delivered"))
	}
	if n := caught.Load(); n > 0 {
		faults = append(faults, fmt.Errorf("%d connections went where a name must not lead", n))
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	return end(ctx, w)
}

// relent ends each evil as soon as all of a webhook's deliveries have met it.
func relent[T any](ctx context.Context, w *world, evils map[string]T, end func(name string)) error {
	ended := make(map[string]bool)
	return until(ctx, patience, func() (bool, error) {
		for name := range evils {
			found, err := w.told(name)
			if err != nil {
				return false, err
			}
			met := len(found) > 0 && !ended[name]
			for _, d := range found {
				met = met && (len(d.Attempts) > 0 || d.State != "pending")
			}
			if met {
				ended[name] = true
				end(name)
			}
		}
		return len(ended) == len(evils), nil
	})
}
