package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"sealpost/internal/signature"
)

const (
	mistakeSecret = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	// mistakeBody has something that each language writes in another way.
	mistakeBody = `{"id":"evt_1","timestamp":"2026-01-05T10:20:30.120Z","resource":"order","action":"paid","body":{"total":2500,"shop":"Café & Co","page":"https://shop.example.com/1","big":12345678901234567890}}`
)

// mistakes are the bytes that get hashed by the usual mistake of a framework,
// made of [mistakeBody] as the framework's own program makes them.
var mistakes = map[string]func(body string) string{
	"express":      func(string) string { return "[object Object]" },
	"fastify":      bigAsDouble,
	"nextjs":       bigAsDouble,
	"nextjs-pages": func(string) string { return "" },
	"nestjs":       func(string) string { return "undefined" },
	"lambda":       func(body string) string { return base64.StdEncoding.EncodeToString([]byte(body)) },
	"flask":        dumps,
	"django":       dumps,
	"fastapi":      dumps,
	"rails":        func(body string) string { return strings.ReplaceAll(body, "&", `\u0026`) },
	"sinatra":      func(string) string { return "" },
	"laravel":      jsonEncode,
	"php":          jsonEncode,
	"go": func(string) string { // of a map[string]any: its keys are sorted, its numbers are doubles
		return `{"action":"paid","body":{"big":12345678901234567000,"page":"https://shop.example.com/1","shop":"Café \u0026 Co","total":2500},"id":"evt_1","resource":"order","timestamp":"2026-01-05T10:20:30.120Z"}`
	},
	"spring": func(string) string { // of classes: Jackson 3 sorts their members
		return `{"action":"paid","body":{"big":12345678901234567890,"page":"https://shop.example.com/1","shop":"Café & Co","total":2500},"id":"evt_1","resource":"order","timestamp":"2026-01-05T10:20:30.120Z"}`
	},
	"aspnetcore": func(body string) string { return strings.NewReplacer("&", `\u0026`, "é", `\u00E9`).Replace(body) },
}

func bigAsDouble(body string) string {
	return strings.Replace(body, "12345678901234567890", "12345678901234567000", 1)
}

func dumps(string) string {
	return `{"id": "evt_1", "timestamp": "2026-01-05T10:20:30.120Z", "resource": "order", "action": "paid", "body": {"total": 2500, "shop": "Caf\u00e9 & Co", "page": "https://shop.example.com/1", "big": 12345678901234567890}}`
}

func jsonEncode(body string) string {
	return strings.NewReplacer("/", `\/`, "é", `\u00e9`, "12345678901234567890", "1.2345678901234567e+19").Replace(body)
}

func init() { writers["mistake"] = mistakeBlock }

// mistakeBlock is what verify-signature says of the usual mistake in a framework.
func mistakeBlock(args []string) (string, error) {
	make, known := mistakes[args[0]]
	if !known {
		return "", fmt.Errorf("no mistake is known for %q", args[0])
	}
	mac := hmac.New(sha256.New, []byte(mistakeSecret))
	mac.Write([]byte(make(mistakeBody)))
	var out, errs bytes.Buffer
	code := run([]string{"verify-signature", "--body", "-", "--secret", "env:HOOK_SECRET", "--computed", hex.EncodeToString(mac.Sum(nil)), "--framework", args[0]},
		streams{in: strings.NewReader(mistakeBody), out: &out, err: &errs}, []string{"HOOK_SECRET=" + mistakeSecret})
	_, causes, found := strings.Cut(out.String(), "\n\n")
	if code != exitNegative || !found {
		return "", fmt.Errorf("exit code %d\n%s%s", code, &out, &errs)
	}
	return "`sealpost verify-signature --computed VALUE --framework " + args[0] + "` says:\n\n```text\n" + strings.TrimSpace(causes) + "\n```", nil
}

// frameworkSections returns the sections of docs/frameworks.md by their heading.
func frameworkSections(t *testing.T) map[string]string {
	t.Helper()
	page, err := os.ReadFile("../../" + signature.FrameworksPage)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, section := range strings.Split(string(page), "\n## ")[1:] {
		heading, text, _ := strings.Cut(section, "\n")
		found[heading] = text
	}
	return found
}

// TestFrameworksPage: the page has a section for each framework that --framework
// knows, with the very lines that a fix shows, and none for another.
func TestFrameworksPage(t *testing.T) {
	sections := frameworkSections(t)
	for _, f := range signature.Frameworks() {
		text, found := sections["Verify in "+f.Title]
		if !found {
			t.Errorf("no section is headed Verify in %s", f.Title)
			continue
		}
		delete(sections, "Verify in "+f.Title)
		_, block, _ := strings.Cut(text, "\n```")
		block, _, _ = strings.Cut(block, "\n```\n")
		lines := strings.Split(block, "\n")
		for i := range lines {
			lines[i] = strings.TrimSpace(lines[i])
		}
		for _, line := range f.Lines {
			if !slices.Contains(lines, line) {
				t.Errorf("the block of %s does not have the line that --framework shows: %s", f.Title, line)
			}
		}
		if !slices.ContainsFunc(f.Lines, func(line string) bool { return strings.Contains(line, f.Short) }) {
			t.Errorf("%s: no line has %s", f.Title, f.Short)
		}
		if !strings.Contains(text, "<!-- generated: mistake "+f.Name+" -->") {
			t.Errorf("the section of %s does not say what verify-signature says of a mistake", f.Title)
		}
	}
	for heading := range sections {
		if strings.HasPrefix(heading, "Verify in ") {
			t.Errorf("%q is a section, and --framework does not know it", heading)
		}
	}
	page, err := os.ReadFile("../../" + signature.FrameworksPage)
	if err != nil {
		t.Fatal(err)
	}
	if names := "`" + strings.Join(frameworkNames(), "` `") + "`"; !strings.Contains(string(page), names) {
		t.Errorf("the page does not list the values of --framework: %s", names)
	}
}

// TestFramework reads --framework as people write it.
func TestFramework(t *testing.T) {
	for given, want := range map[string]string{"": "", "express": "express", " Express ": "express", "NextJS": "nextjs"} {
		if got, err := framework(given); err != nil || got != want {
			t.Errorf("%q is %q (%v), not %q", given, got, err, want)
		}
	}
	for given, want := range map[string]string{
		"expres": "did you mean express?", "next": "did you mean nextjs?", "Spring Boot": "did you mean spring?", "asp.net": "did you mean aspnetcore?",
		"gin": "did you mean go?", "djagno": "did you mean django?", "cobol": "documentation",
	} {
		_, err := framework(given)
		usage, is := err.(*usageError) //nolint:errorlint // it is made right there
		if !is || !strings.Contains(usage.hint, want) {
			t.Errorf("%q gives %v, without %q", given, err, want)
		}
	}
	for other, own := range otherNames {
		if !slices.Contains(frameworkNames(), own) || slices.Contains(frameworkNames(), other) {
			t.Errorf("%s leads to %s", other, own)
		}
	}
}
