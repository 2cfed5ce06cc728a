package main

import (
	"errors"
	"slices"
	"testing"
	"time"
)

// TestQuick runs the scenarios that need nothing but the program, against the
// program as it is built here.
func TestQuick(t *testing.T) {
	folder := t.TempDir()
	binary, err := build(t.Context(), folder, nil)
	if err != nil {
		t.Fatal(err)
	}
	seed := uint64(time.Now().UnixNano())
	for _, s := range scenarios {
		if !s.quick {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			err := s.try(t.Context(), seed, folder, binary)
			if not := impossible(""); errors.As(err, &not) {
				t.Skip(err)
			}
			if err != nil {
				t.Errorf("%v (go run ./test/chaos -only %s -seed %d repeats it)", err, s.name, seed)
			}
		})
	}
}

// TestBugsHaveAPlace: code moves on, and a bug that can't be built in any more
// proves nothing; building them all in takes too long for here.
func TestBugsHaveAPlace(t *testing.T) {
	for _, b := range bugs {
		if _, err := b.overlay(t.TempDir()); err != nil {
			t.Error(err)
		}
		if b.test == "" && !slices.Contains(names(), b.scenario) {
			t.Errorf("the bug %q names no test and the scenario %q", b.name, b.scenario)
		}
	}
}
