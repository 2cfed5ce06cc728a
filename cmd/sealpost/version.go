package main

import (
	"runtime"

	"github.com/spf13/cobra"
)

func newVersion(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Example: `  sealpost version
  sealpost version -o json`,
		RunE: func(*cobra.Command, []string) error { return a.printVersion() },
	}
}

func (a *app) printVersion() error {
	if a.json() {
		return a.printJSON(map[string]string{"version": version, "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH})
	}
	if a.quiet {
		return a.print("%s", version)
	}
	return a.print("sealpost %s (%s %s/%s)", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
