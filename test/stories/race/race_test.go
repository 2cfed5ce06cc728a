// Package race plays stories in which the goroutines of one daemon meet, with
// the race detector in the program. All other stories run without it.
package race

import (
	"testing"

	"sealpost/test/story"
)

func TestScript(t *testing.T) {
	story.RacedScripts(t,
		"../daemon/metrics.txtar",
		"../daemon/remote.txtar",
		"../daemon/serve.txtar",
		"../deliveries/follow.txtar",
		"../publishing/direct.txtar",
		"../signatures/listen.txtar",
	)
}
