package main

import (
	"errors"
	"os"
	"path/filepath"
)

// inTree is a file of the source tree that this is run in, wherever in it that
// is: go run stands at its root, go test in the folder of the package.
func inTree(file string) (string, error) {
	at, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			return filepath.Join(at, filepath.FromSlash(file)), nil
		}
		above := filepath.Dir(at)
		if above == at {
			return "", errors.New("there is no go.mod here or above: run this in the source tree of sealpost")
		}
		at = above
	}
}
