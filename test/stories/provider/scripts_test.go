package provider

import (
	"testing"

	"sealpost/test/story"
)

func TestScript(t *testing.T) { story.Scripts(t) }
