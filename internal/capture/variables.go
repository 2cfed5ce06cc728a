package capture

import (
	"regexp"
	"strings"
)

// Variables of CGI, PHP and WSGI, and the lines of curl -v and of terminals.

// headerName turns HTTP_WEBHOOK_ID and webhook_id into webhook-id. Other names stay
// as they are.
func headerName(name string) string {
	if inner, found := strings.CutPrefix(name, "HTTP_"); found {
		return strings.ToLower(strings.ReplaceAll(inner, "_", "-"))
	}
	switch name {
	case "CONTENT_TYPE", "CONTENT_LENGTH":
		return strings.ToLower(strings.ReplaceAll(name, "_", "-"))
	}
	switch folded := strings.ToLower(strings.ReplaceAll(name, "_", "-")); folded {
	case "webhook-id", "webhook-timestamp", "webhook-signature", "svix-id", "svix-timestamp", "svix-signature", "stripe-signature", "x-hub-signature-256":
		if strings.Contains(name, "_") {
			return folded
		}
	}
	return name
}

// HeaderName returns the name of the header that a program shows under another name,
// such as HTTP_WEBHOOK_ID and webhook_id, and whether it is another one.
func HeaderName(name string) (header string, other bool) {
	header = headerName(name)
	return header, header != name
}

var variable = regexp.MustCompile(`^(?:export |declare -x |env\[)?['"]?((?:HTTP_|CONTENT_|REQUEST_|SERVER_|QUERY_|GATEWAY_|REMOTE_)[A-Z0-9_]*)['"]?\]?\s*(?:=>|=|:)\s*(.*)$`)

func isVariable(line string) bool { return variable.MatchString(line) }

var assigned = regexp.MustCompile(`^\s*\[?['"]?([A-Za-z_][A-Za-z0-9_.]*)['"]?\]?\s*(?:=>|=|:)\s*(.*)$`)

// readVariables reads the variables of a request, one a line, and a body behind an
// empty line. Lines of other variables are left out.
func readVariables(raw []byte) (Request, error) {
	const shape = "the variables of CGI or PHP"
	r := Request{Shape: shape}
	head, body, found := strings.Cut(string(raw), "\n\n")
	if crlf, rest, also := strings.Cut(string(raw), "\r\n\r\n"); also && (!found || len(crlf) < len(head)) {
		head, body, found = crlf, rest, true
	}
	for line := range strings.Lines(head) {
		line = strings.TrimSuffix(strings.TrimSpace(line), ",")
		m := variable.FindStringSubmatch(line)
		if m == nil {
			m = assigned.FindStringSubmatch(line)
			if m == nil || !strings.HasPrefix(m[1], "HTTP_") {
				continue
			}
		}
		if name := headerName(m[1]); name != m[1] {
			r.add(name, strings.Trim(m[2], `'"`))
		}
	}
	if len(r.Headers) == 0 {
		return Request{}, &Error{shape, "no variable HTTP_… is in it", "print $_SERVER, or the environment of the CGI program"}
	}
	if found && strings.Trim(body, " \t\r\n)") != "" {
		r.Body, r.HasBody = []byte(body), true
	}
	return r, nil
}

// isVerbose reports whether a line is one of curl -v.
func isVerbose(line string) bool {
	return strings.HasPrefix(line, "* ") || strings.HasPrefix(line, "> ") || strings.HasPrefix(line, "< ")
}

var http2Header = regexp.MustCompile(`\[HTTP/[23]\] \[\d+\] \[([^:\]][^:\]]*): (.*)\]\s*$`)

// readVerbose reads what curl -v prints: the lines with > are the request's head.
// curl shows no body there.
func readVerbose(text string) (Request, error) {
	r := Request{Shape: "the output of curl -v"}
	var other Request
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if m := http2Header.FindStringSubmatch(line); m != nil {
			other.add(m[1], m[2])
			continue
		}
		inner, found := strings.CutPrefix(line, "> ")
		if name, value, isHeader := strings.Cut(inner, ":"); found && isHeader && name != "" && !strings.Contains(name, " ") {
			r.add(name, strings.TrimSpace(value))
		}
	}
	if len(r.Headers) == 0 {
		r.Headers = other.Headers
	}
	if len(r.Headers) == 0 {
		return Request{}, &Error{r.Shape, "no line with > is in it, which shows the request's headers", "give the whole output of curl -v, which goes to standard error: curl -v … 2> FILE"}
	}
	return r, nil
}

var traced = regexp.MustCompile(`^[0-9a-f]{4}: (.*)$`)

// readTrace reads what curl --trace-ascii prints.
func readTrace(text string) (Request, error) {
	r := Request{Shape: "the output of curl --trace-ascii"}
	section := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if strings.HasPrefix(line, "=>") || strings.HasPrefix(line, "<=") || strings.HasPrefix(line, "==") {
			section = line
			continue
		}
		m := traced.FindStringSubmatch(line)
		switch {
		case m == nil:
		case strings.HasPrefix(section, "=> Send header"):
			if name, value, found := strings.Cut(m[1], ":"); found && name != "" && !strings.Contains(name, " ") {
				r.add(name, strings.TrimSpace(value))
			}
		case strings.HasPrefix(section, "=> Send data"):
			r.Body, r.HasBody = append(r.Body, m[1]...), true
		}
	}
	if len(r.Headers) == 0 {
		return Request{}, &Error{r.Shape, "no sent header is in it", "give the whole file of curl --trace-ascii FILE"}
	}
	if r.HasBody {
		r.Notes = append(r.Notes, "curl --trace-ascii writes a dot for each byte that is not printable")
	}
	return r, nil
}

// readBox reads what sealpost listen shows on a terminal: a line on its left, the
// headers, an empty line, the body.
func readBox(text string) (Request, error) {
	const shape = "what sealpost listen shows on a terminal"
	r := Request{Shape: shape}
	var body []string
	inBody := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(strings.TrimRight(line, "\r\n"), "│"), "|"), " "), " ")
		switch name, value, isHeader := strings.Cut(line, ": "); {
		case strings.HasPrefix(line, "#"):
		case inBody && strings.HasPrefix(line, "scheme ") && strings.Contains(line, ": signature "):
			r.Body, r.HasBody = []byte(strings.Join(body, "\n")), true
			r.Notes = append(r.Notes, "a terminal shows a body in lines of its own width; sealpost listen -o json keeps the bytes")
			return r, nil
		case inBody:
			body = append(body, line)
		case line == "":
			inBody = len(r.Headers) > 0
		case isHeader && !strings.Contains(name, " "):
			r.add(name, value)
		}
	}
	if len(r.Headers) == 0 {
		return Request{}, &Error{shape, "no header is in it", "sealpost listen -o json > FILE keeps the request"}
	}
	if len(body) > 0 {
		r.Body, r.HasBody = []byte(strings.Join(body, "\n")), true
	}
	return r, nil
}
