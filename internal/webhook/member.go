package webhook

import "strings"

// members are the names that are no resource in the document of a webhook.
var members = []string{"name", "url", "events", "enabled", "secret"}

// Members lists what a webhook's document may have besides resource groups, and the
// resources of the catalog.
func Members() []string {
	all := append(append([]string{}, members...), known...)
	for i := range Fields {
		all = append(all, Fields[i].Name)
	}
	return all
}

// MembersBeside lists the names that may stand where a member stands, by its path in the
// document of a webhook: for limits.x the parts of limits, for any other path [Members].
func MembersBeside(path string) (names []string) {
	object, _, inside := strings.Cut(path, ".")
	f := fieldNamed(object)
	if !inside || f == nil {
		return Members()
	}
	for i := range f.Parts {
		names = append(names, f.Parts[i].Name)
	}
	return names
}

// DecodeWhole is [DecodeConfig] for a document that is kept in a file, where nothing may
// be passed over: it returns the members too that are not known, by their path within the
// document. Objects of texts are resource groups, whatever their name is.
func DecodeWhole(body []byte) (patch *Patch, unknown []string, err error) {
	d := decoder{out: &Patch{}}
	patch, err = d.decode(body)
	return patch, d.passed, err
}
