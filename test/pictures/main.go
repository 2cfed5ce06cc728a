// Command pictures makes the terminal pictures of the README: it runs the real
// program on a terminal and draws what is to be seen there as SVG.
//
// Each scene (scene.go) is lines typed into a shell, in a folder and a database
// of its own. What differs from run to run is made steady (steady.go), what the
// terminal would show is worked out (screen.go) and drawn (svg.go), so that any
// machine draws the same. A test says when a picture is stale.
//
//	go run ./test/pictures        # writes docs/pictures/*.svg
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := write(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

func write(ctx context.Context) error {
	top, err := root(ctx)
	if err != nil {
		return err
	}
	made, err := pictures(ctx, top)
	if err != nil {
		return err
	}
	for name, svg := range made {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(top, name)), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(top, name), svg, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// root is the top of the tree, wherever in it this is run.
func root(ctx context.Context) (string, error) {
	mod, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("where the tree is: %w", err)
	}
	return filepath.Dir(strings.TrimSpace(string(mod))), nil
}

// pictures builds the program and makes every picture, by path below top.
func pictures(ctx context.Context, top string) (map[string][]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute) // all but seconds are for a build that finds nothing cached
	defer cancel()
	bin, err := os.MkdirTemp("", "pictures")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(bin) //nolint:errcheck // a temporary folder
	exe := filepath.Join(bin, "sealpost")
	if runtime.GOOS == "windows" {
		exe += ".exe"
	}
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", exe, "./cmd/sealpost")
	build.Dir = top
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build sealpost: %w\n%s", err, out)
	}

	made := make(map[string][]byte)
	for _, s := range scenes {
		lines, err := s.play(ctx, exe)
		if err != nil {
			return nil, fmt.Errorf("scene %s: %w", s.name, err)
		}
		made["docs/pictures/"+s.name+".svg"] = draw(s.title, lines, s.wide())
	}
	return made, nil
}
