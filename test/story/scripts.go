package story

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// Update says that expected output and generated files are written anew instead of compared (-update).
var Update = flag.Bool("update", false, "rewrite expected output and generated files")

// Scripts plays the *.txtar files of the test's own folder against the real
// program, as a person would type them: real files, real receivers.
func Scripts(t *testing.T) {
	play(t, binaries(t), testscript.Params{Dir: "."})
}

// RacedScripts plays the files named with the race detector in the program.
func RacedScripts(t *testing.T, files ...string) {
	play(t, filepath.Dir(Raced(t)), testscript.Params{Files: files})
}

// play runs scripts with the programs of folder before all others in PATH.
func play(t *testing.T, folder string, scripts testscript.Params) {
	t.Helper()
	docs := filepath.Join(Root(t), "docs")
	testscript.Run(t, testscript.Params{
		Dir:                 scripts.Dir,
		Files:               scripts.Files,
		UpdateScripts:       *Update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("PATH", folder+string(os.PathListSeparator)+env.Getenv("PATH"))
			name, value, _ := strings.Cut(raceExit, "=")
			env.Setenv(name, value)
			env.Setenv("XDG_STATE_HOME", "")
			env.Setenv("SEALPOST_DATABASE", filepath.Join(env.WorkDir, "sealpost.db"))
			env.Setenv("SEALPOST_LISTEN", "127.0.0.1:0")
			env.Setenv("PORT", FreePort(t))
			env.Setenv("METRICS_PORT", FreePort(t))
			env.Setenv("SEALPOST_METRICS_LISTEN", "off")
			env.Setenv("SEALPOST_SHUTDOWN_DELAY", "0s") // nobody balances any load
			env.Setenv("DOCS", docs)
			env.Setenv("OTHER", "another-signing-secret-0123456789")
			env.Setenv("SECRET", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"await":      await,
			"field":      field,
			"code":       code,
			"lines":      lines,
			"eventually": eventually,
		},
	})
}
