package deliver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
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
		code = "tls_unknown_authority"
	case errors.As(err, &badName):
		code = "tls_wrong_name"
	case errors.As(err, &badCert) && badCert.Reason == x509.Expired:
		code = "tls_expired"
	case errors.As(err, &badCert), errors.As(err, &record), errors.As(err, &alert), strings.Contains(err.Error(), "tls: "),
		strings.Contains(err.Error(), "HTTP response to HTTPS client"): // which net/http makes of a record's error
		code = "tls_error"
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
