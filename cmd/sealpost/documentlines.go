package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// documentLines says in which line of a document each member stands, by the dotted path
// of the member, such as webhooks.orders.url.
type documentLines map[string]int

// at is the line of a path; 0 when it is not known.
func (l documentLines) at(path string) int { return l[path] }

// note takes a member in. The error names the key when its object has it already: one of
// the two would be dropped without a word.
func (l documentLines) note(path string, line int) error {
	if before := l[path]; before != 0 {
		return &usageError{fmt.Sprintf("line %d: %s is given twice, first in line %d", line, path, before), "take one of them out"}
	}
	l[path] = line
	return nil
}

// yaml takes in what is below a node. Decoding refuses keys that stand twice, so an error
// is about two names that differ in their quotes alone.
func (l documentLines) yaml(path string, node *yaml.Node) error {
	switch node.Kind {
	case yaml.DocumentNode:
		for _, inner := range node.Content {
			if err := l.yaml(path, inner); err != nil {
				return err
			}
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			key := node.Content[i]
			if key.Tag == "!!merge" {
				continue
			}
			if err := l.note(under(path, key.Value), key.Line); err != nil {
				return err
			}
			if err := l.yaml(under(path, key.Value), node.Content[i+1]); err != nil {
				return err
			}
		}
	default: // lists, texts and aliases hold no members of their own
	}
	return nil
}

// json takes in the members of a text. A text that is not JSON is told of by whoever
// decodes it.
func (l documentLines) json(text []byte) error {
	if !json.Valid(text) {
		return nil
	}
	in := json.NewDecoder(bytes.NewReader(text))
	line, seen := 1, int64(0)
	here := func() int {
		now := in.InputOffset()
		line += bytes.Count(text[seen:now], []byte{'\n'})
		seen = now
		return line
	}
	var value func(path string) error
	value = func(path string) error {
		token, err := in.Token()
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('{'):
			for in.More() {
				key, err := in.Token()
				if err != nil {
					return err
				}
				name, _ := key.(string) // JSON has no other keys
				if err := l.note(under(path, name), here()); err != nil {
					return err
				}
				if err := value(under(path, name)); err != nil {
					return err
				}
			}
			_, err = in.Token()
		case json.Delim('['):
			for i := 0; in.More(); i++ {
				if err := value(fmt.Sprintf("%s[%d]", path, i)); err != nil {
					return err
				}
			}
			_, err = in.Token()
		}
		return err
	}
	return value("")
}

// under is the path of a member of an object.
func under(path, key string) string { return strings.TrimPrefix(path+"."+key, ".") }
