package main

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"strings"
	"testing"
	"time"
	"unicode"
)

// TestDoctorOnStrangeIssuers: whoever answers chooses the issuer's name in a
// certificate that did not pass. It is one line all the same, of no great length.
func TestDoctorOnStrangeIssuers(t *testing.T) {
	a := &app{output: "silent", now: time.Now}
	d := &diagnosis{app: a}
	a.examineCertificate(d, "acme/orders", []*x509.Certificate{{
		NotAfter: time.Now().AddDate(1, 0, 0), Issuer: pkix.Name{CommonName: "CA\x1b[2J\nok  all is well" + strings.Repeat("x", 5000)},
	}})
	if text := d.checks[0].Message; len(text) > 300 || strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) }) {
		t.Errorf("%d bytes: %q", len(text), text)
	}
}
