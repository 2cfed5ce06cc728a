package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// step is one system call of the record that matters: a change of a database
// file, a sync, or an acknowledgement that leaves.
type step struct {
	call         string
	file         string // suffix of the database's path: "", -wal
	data         []byte
	at           int64    // offset; or the new size
	acknowledged []string // ids
}

// apply returns a file's content after the step.
func (s step) apply(content []byte) []byte {
	end := s.at + int64(len(s.data))
	if s.call == "ftruncate" {
		end = s.at
		if int64(len(content)) > end {
			return content[:end]
		}
	}
	if grow := end - int64(len(content)); grow > 0 {
		content = append(content, make([]byte, grow)...)
	}
	copy(content[s.at:], s.data)
	return content
}

// syncs reports whether the step makes what was written before it last.
func (s step) syncs() bool { return s.call == "fsync" || s.call == "fdatasync" }

// sectors splits a write where a disk may tear it.
func (s step) sectors() (parts []step) {
	if s.call != "pwrite64" {
		return []step{s}
	}
	for data, at := s.data, s.at; len(data) > 0; {
		n := min(int64(len(data)), sector-at%sector)
		parts = append(parts, step{call: s.call, file: s.file, data: data[:n], at: at})
		data, at = data[n:], at+n
	}
	return parts
}

var (
	lineForm    = regexp.MustCompile(`^(\d+) +(?:<\.\.\. )?(\w+)(\(| resumed>)(.*)$`)
	handleForm  = regexp.MustCompile(`^\d+<([^>]*)>`)
	stringForm  = regexp.MustCompile(`"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?`)
	publishForm = regexp.MustCompile(`"id":"(chaos-\d+)"`)
)

// readTrace reads what strace -f -y -xx wrote. A write counts from when it is
// begun and a sync from when it has ended: whoever is not sure of the order
// assumes the worse one.
func readTrace(path, database string) (steps []step, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	lines := bufio.NewReaderSize(f, 1<<20)
	begun := make(map[string]step) // syncs that have not ended, by thread
	for {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return steps, nil
		}
		if err != nil {
			return nil, err
		}
		parts := lineForm.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if parts == nil {
			continue
		}
		thread, call, resumed, rest := parts[1], parts[2], parts[3] != "(", parts[4]
		if resumed {
			if s, found := begun[thread]; found && s.call == call && strings.HasSuffix(rest, "= 0") {
				steps = append(steps, s)
			}
			delete(begun, thread)
			continue
		}
		s, ours := readCall(call, rest, database)
		switch {
		case !ours:
		case strings.HasPrefix(call, "f") && strings.Contains(call, "sync") && strings.HasSuffix(rest, "<unfinished ...>"):
			begun[thread] = s
		default:
			steps = append(steps, s)
		}
	}
}

// readCall reads one call's arguments; ours tells that it matters.
func readCall(call, rest, database string) (s step, ours bool) {
	s.call = call
	switch call {
	case "unlink", "unlinkat":
		s.call = "unlink"
		found := stringForm.FindStringSubmatch(rest)
		if found == nil {
			return s, false
		}
		return s, suffix(string(unhex(found[1])), database, &s.file)
	case "write": // an answer to a client, perhaps
		found := stringForm.FindStringSubmatch(rest)
		if found == nil {
			return s, false
		}
		text := unhex(found[1])
		if !bytes.HasPrefix(text, []byte("HTTP/1.1 20")) {
			return s, false
		}
		for _, id := range publishForm.FindAllSubmatch(text, -1) {
			s.acknowledged = append(s.acknowledged, string(id[1]))
		}
		return s, s.acknowledged != nil
	}
	handle := handleForm.FindStringSubmatch(rest)
	if handle == nil {
		return s, false
	}
	name := handle[1]
	if strings.HasPrefix(name, `\x`) {
		name = string(unhex(name))
	}
	if !suffix(name, database, &s.file) {
		return s, false
	}
	after := rest[len(handle[0]):]
	if data := stringForm.FindStringSubmatchIndex(after); data != nil {
		s.data = unhex(after[data[2]:data[3]])
		after = after[data[1]:]
	}
	after, _, _ = strings.Cut(after, ")")
	after = strings.TrimSuffix(after, " <unfinished ...>")
	if i := strings.LastIndex(after, ", "); i >= 0 {
		s.at, _ = strconv.ParseInt(strings.TrimSpace(after[i+2:]), 10, 64)
	}
	return s, true
}

// suffix reports whether a path is one of the database's lasting files.
func suffix(path, database string, into *string) bool {
	rest, found := strings.CutPrefix(path, database)
	*into = rest
	return found && (rest == "" || rest == "-wal")
}

func unhex(escaped string) []byte {
	data, _ := hex.DecodeString(strings.ReplaceAll(escaped, `\x`, "")) // the pattern has checked it
	return data
}
