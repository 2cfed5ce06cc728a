package webhook

// members are the names that are no resource in the document of a webhook.
var members = []string{"name", "url", "events", "enabled", "secret"}

// Members lists what a webhook's document may have besides resource groups, and the
// resources of the catalog.
func Members() []string { return append(append([]string{}, members...), known...) }

// DecodeWhole is [DecodeConfig] for a document that is kept in a file, where nothing may
// be passed over: it returns the members too that are not known, by their path within the
// document. Objects of texts are resource groups, whatever their name is.
func DecodeWhole(body []byte) (patch *Patch, unknown []string, err error) {
	d := decoder{out: &Patch{}}
	patch, err = d.decode(body)
	return patch, d.passed, err
}
