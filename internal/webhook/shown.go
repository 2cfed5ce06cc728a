package webhook

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// ReadShown reads a webhook as a server shows it, ours or another that speaks
// the same API, older or newer. Its URL has to be there; whatever else does not
// read as a part of a webhook is an extra of that server and passed over. To
// refuse the answer for it could cost the secret that it holds, which is shown
// once.
func ReadShown(name string, body []byte) (Config, error) {
	c := Config{Name: name}
	var members map[string]json.RawMessage
	if err := UnmarshalObject(body, &members); err != nil {
		return c, err
	}
	if !isString(members["url"]) || json.Unmarshal(members["url"], &c.URL) != nil {
		return c, Errorf(CodeBadRequest, fmt.Sprintf("url is %s; a string is needed", kind(members["url"])))
	}
	for key, raw := range members {
		switch key {
		case "name", "url", "secret":
		case "events":
			var only []string
			if json.Unmarshal(raw, &only) == nil && CheckPatterns(only) == nil && !slices.Contains(only, "*") {
				c.Only = only
			}
		case "enabled":
			c.Disabled = string(raw) == "false"
		default:
			if f := fieldNamed(key); f != nil && !groupLike(raw) {
				f.readShown(&c, raw)
				continue
			}
			c.readGroup(key, raw)
		}
	}
	return c, nil
}

// readGroup reads the URLs of one resource. An object of other texts, such as
// an id and a name, is something else.
func (c *Config) readGroup(resource string, raw []byte) {
	var actions map[string]json.RawMessage
	if !ValidWord(resource) || json.Unmarshal(raw, &actions) != nil {
		return
	}
	for action, value := range actions {
		var url string
		if ValidWord(action) && isString(value) && json.Unmarshal(value, &url) == nil && strings.Contains(url, "://") {
			c.SetRoute(resource, action, url)
		}
	}
}
