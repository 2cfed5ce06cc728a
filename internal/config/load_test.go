package config

import (
	"fmt"
	"strings"
	"testing"
)

// TestTogether holds what settings can't say alone.
func TestTogether(t *testing.T) {
	for _, test := range []struct {
		flags map[string]string
		says  string
	}{
		{map[string]string{"tls.cert_file": "x"}, "tls.key_file is missing: it belongs to tls.cert_file"},
		{map[string]string{"tls.key_file": "x"}, "tls.cert_file is missing: it belongs to tls.key_file"},
		{map[string]string{"auth.siwe.enabled": "true"}, "needs auth.siwe.domain"},
		{map[string]string{"secrets.key": "x", "secrets.key_file": "y"}, "name two keys"},
		{map[string]string{"listen": "127.0.0.1:9464"}, `metrics.listen and listen are both "127.0.0.1:9464"`},
		{map[string]string{"organization": " "}, `organization (flag --org): " " is not a text of at least one character`},
		{map[string]string{"retry.bas": "1s"}, `the flag of "retry.bas" is no setting; did you mean "retry.base"?`},
	} {
		if _, err := Load(Sources{Flags: test.flags}); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%v: %v, not %q", test.flags, err, test.says)
		}
	}
	// What is malformed is not missing as well.
	_, err := Load(Sources{Flags: map[string]string{"auth.siwe.enabled": "true", "auth.siwe.domain": "https://app.example.com"}})
	if err == nil || strings.Contains(err.Error(), "needs") || !strings.Contains(err.Error(), "is not a host name") {
		t.Errorf("a malformed domain: %v", err)
	}
	load(t, Sources{Flags: map[string]string{"listen": "127.0.0.1:0", "metrics.listen": "127.0.0.1:0"}})
	load(t, Sources{Flags: map[string]string{"listen": "127.0.0.1:9464", "metrics.listen": "off"}})
}

// TestAllFaultsAtOnce, but not more than a person reads.
func TestAllFaultsAtOnce(t *testing.T) {
	c, err := Load(Sources{
		File:  write(t, "c.yaml", "retry:\n  base: soon\n  bas: 1s\n"),
		Env:   []string{"SEALPOST_LOG_LEVEL=loud", "SEALPOST_RETRY_FACTOR=NaN"},
		Flags: map[string]string{"listen": "here"},
	})
	if c != nil || err == nil {
		t.Fatalf("%v, %v", c, err)
	}
	for _, want := range []string{`c.yaml:3: "retry.bas" is no setting`, `c.yaml:2): "soon" is not a time`, `log.level (environment SEALPOST_LOG_LEVEL): "loud" is not one of`, `"NaN"`, `listen (flag --listen): "here"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %v", want, err)
		}
	}
	var many strings.Builder
	for i := range 500 {
		fmt.Fprintf(&many, "%s%d: x\n", strings.Repeat("x", 500), i)
	}
	_, err = Load(Sources{File: write(t, "many.yaml", many.String())})
	if lines := strings.Split(fmt.Sprint(err), "\n"); len(lines) != maxFaults+1 || lines[maxFaults] != "and 480 more" || len(lines[0]) > 300 {
		t.Errorf("%d lines, the first %q, the last %q", len(lines), lines[0], lines[len(lines)-1])
	}
}

// TestUnknownVariables are told of, and those that are ours are not.
func TestUnknownVariables(t *testing.T) {
	c := load(t, Sources{Env: []string{"SEALPOST_RETRY_BAS=1s", "SEALPOST_OUTPUT=json", "SEALPOST_CONFIG=", "SEALPOST_ORG=x", "OTHER=1", "sealpost_x=1"}})
	want := []string{
		`the environment variable SEALPOST_ORG is no setting of sealpost; did you mean SEALPOST_ORGANIZATION?`,
		`the environment variable SEALPOST_RETRY_BAS is no setting of sealpost; did you mean SEALPOST_RETRY_BASE?`,
	}
	if fmt.Sprint(c.Warnings) != fmt.Sprint(want) {
		t.Errorf("%q", c.Warnings)
	}
}
