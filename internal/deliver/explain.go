package deliver

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode"
)

// classify names the kind of a transport error, stable for scripts, followed
// by its text.
func classify(err error, timeout time.Duration) string {
	var dns *net.DNSError
	var unknownRoot x509.UnknownAuthorityError
	var badName x509.HostnameError
	var badCert x509.CertificateInvalidError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var code string
	switch {
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Sprintf("timeout: no whole answer within %s", timeout)
	case errors.As(err, &dns):
		code = "dns_error"
	case errors.As(err, &unknownRoot):
		return "tls_unknown_authority: " + line(unknownAuthority(err))
	case errors.As(err, &badName):
		code = "tls_wrong_name"
	case errors.As(err, &badCert) && badCert.Reason == x509.Expired:
		code = "tls_expired"
	case errors.As(err, &badCert), errors.As(err, &record), errors.As(err, &alert), strings.Contains(err.Error(), "tls: "),
		strings.Contains(err.Error(), "HTTP response to HTTPS client"): // which net/http makes of a record's error
		return "tls_error: " + inner(err) + remedy(err)
	case errors.Is(err, syscall.ECONNREFUSED):
		code = "connection_refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		code = "connection_reset"
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		code = "no_file_descriptors"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		code = "connection_closed"
	default:
		code = "network_error"
	}
	return code + ": " + inner(err)
}

// unknownAuthority says why nobody vouches for a certificate that a receiver sent, and
// what the receiver should do. What the receiver sent decides: the chain ends at a
// certificate that signs itself, or at one whose issuer is missing.
func unknownAuthority(err error) string {
	var refused *tls.CertificateVerificationError
	if !errors.As(err, &refused) || len(refused.UnverifiedCertificates) == 0 {
		return inner(err)
	}
	sent := refused.UnverifiedCertificates
	last := sent[0]
	for range sent { // a chain is as long as what was sent, at most
		at := slices.IndexFunc(sent, func(c *x509.Certificate) bool {
			return !bytes.Equal(c.Raw, last.Raw) && bytes.Equal(c.RawSubject, last.RawIssuer) && last.CheckSignatureFrom(c) == nil
		})
		if at < 0 {
			break
		}
		last = sent[at]
	}
	issuer := brief(last.Issuer.String())
	switch {
	case bytes.Equal(last.RawIssuer, last.RawSubject) && len(sent) == 1:
		return fmt.Sprintf("the certificate of %s is signed by itself, and this machine does not trust it; the receiver needs one of a public authority, or this machine has to trust it (egress.ca_file)", issuer)
	case bytes.Equal(last.RawIssuer, last.RawSubject):
		return fmt.Sprintf("the certificate comes from %s, which this machine does not trust; the receiver needs one of a public authority, or this machine has to trust that one (egress.ca_file)", issuer)
	case last == sent[0]:
		return fmt.Sprintf("the receiver sent its own certificate without the intermediate certificate of its issuer, %s; it has to send the whole chain, its own certificate first (for instance fullchain.pem). If %s is a private authority, this machine has to trust it (egress.ca_file)", issuer, issuer)
	default:
		return fmt.Sprintf("the receiver's chain ends at a certificate by %s, which it did not send and this machine does not trust; it has to send the whole chain. If %s is a private authority, this machine has to trust it (egress.ca_file)", issuer, issuer)
	}
}

// brief bounds a name that stands in a certificate: whoever made it chose it.
func brief(name string) string {
	if len(name) > 100 {
		return strings.ToValidUTF8(name[:100], "") + "…"
	}
	return name
}

// remedy names the page that tells what helps where a receiver and this program have
// nothing in common, which is said in so many words only.
func remedy(err error) string {
	text := err.Error()
	if strings.Contains(text, "remote error: tls: handshake failure") || strings.Contains(text, "remote error: tls: protocol version not supported") {
		return "; the receiver and sealpost have no way of encrypting in common: see `sealpost help egress`, or ask for TLS 1.2 with ECDHE or TLS 1.3 there"
	}
	return ""
}

// Explain names a failed request by a code and a text, the code stable. The
// guard's refusals carry their own; nothing of the request is repeated.
func Explain(err error, timeout time.Duration) string {
	var refused interface{ ReasonCode() string }
	if errors.As(err, &refused) {
		return refused.ReasonCode() + ": " + inner(err)
	}
	return classify(err, timeout)
}

// maxError bounds the text of an error, in bytes.
const maxError = 1000

// inner strips what net/http puts in front of an error: method and URL. The rest
// is one printable line of a bounded length: a receiver's certificate, whoever
// signed it, has a say in it.
func inner(err error) string {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return line(err.Error())
}

// line makes one printable line of a bounded length of a text.
func line(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
	if len(text) > maxError {
		text = strings.ToValidUTF8(text[:maxError], "") + "…"
	}
	return text
}
