package main

import (
	"testing"
)

func TestCapacityFits(t *testing.T) {
	full := capacity{connections: 4096, inFlight: 8192, idle: mostIdle}
	for _, files := range []int{128, 256, 1024, 4096, 20000, full.files() - 1} {
		for _, want := range []capacity{full, {connections: 2, inFlight: 8192, idle: mostIdle}, {connections: 1 << 20, inFlight: 1, idle: mostIdle}} {
			if got := want.within(files); got.files() > files || got.connections < 1 || got.inFlight < 1 || got.idle < 1 {
				t.Errorf("%+v within %d files is %+v, which takes %d", want, files, got, got.files())
			}
		}
	}
	if got := full.within(full.files()); got != full {
		t.Errorf("it fits and becomes %+v", got)
	}
	if got := full.within(0); got.connections < 1 || got.inFlight < 1 {
		t.Errorf("within nothing, nothing goes on: %+v", got)
	}
}
