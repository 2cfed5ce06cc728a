package store

// likeOwner has nothing to do where files belong to whom their folder lets in.
func likeOwner(string, string) {}
