package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sbxrun/sbx/cmd/sbx/format"
	"github.com/sbxrun/sbx/sandbox"
)

// version is set by release builds with -ldflags "-X main.version=…".
var version = "0.1.0-dev"

// versionLine is `sbx --version`.
func versionLine() string {
	line := "sbx version " + version
	if c := commit(); c != "" {
		line += ", build " + c
	}
	return line
}

// commit is the revision that go build stamped in, in short.
func commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 7 {
			return s.Value[:7]
		}
	}
	return ""
}

func (a *app) versionCmd() *cobra.Command {
	var text string
	c := verb(groupSystem, "version [OPTIONS]", "Show the version", noArgs, func(*cobra.Command, []string) error {
		v := object{"Version": version, "GitCommit": commit(), "GoVersion": runtime.Version(), "Os": runtime.GOOS, "Arch": runtime.GOARCH}
		switch text {
		case "":
			fmt.Fprintf(a.out, "Version:     %s\nGit commit:  %s\nGo version:  %s\nOS/Arch:     %s/%s\n", version, orNone(commit()), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return nil
		case "json":
			text = "{{json .}}"
		}
		return format.Value(a.out, text, v)
	})
	c.Flags().StringVarP(&text, "format", "f", "", "Format: json, or a Go `template`")
	return c
}

func (a *app) infoCmd() *cobra.Command {
	var text string
	c := verb(groupSystem, "info [OPTIONS]", "Show what sbx has and can do here", noArgs, func(c *cobra.Command, _ []string) error {
		return a.info(c.Context(), text)
	})
	c.Flags().StringVarP(&text, "format", "f", "", "Format: json, or a Go `template`")
	return c
}

func (a *app) info(ctx context.Context, text string) error {
	e, err := a.engine()
	if err != nil {
		return err
	}
	i, err := e.Info(ctx)
	if err != nil {
		return err
	}
	switch text {
	case "":
		a.printInfo(i)
		return nil
	case "json":
		text = "{{json .}}"
	}
	return format.Value(a.out, text, i)
}

func (a *app) printInfo(i sandbox.Info) {
	for _, l := range [][2]any{
		{"Version", version},
		{"Home", i.Home},
		{"Containers", i.Containers},
		{" Running", i.ContainersRunning},
		{" Stopped", i.ContainersStopped},
		{"Images", i.Images},
		{"Platform", i.Platform},
		{"Engines", strings.Join(i.Engines, ", ")},
		{"Machine code", "not run by this version (exit 126); see --userland=builtin"},
		{"Built-in tools", len(i.Tools)},
		{"Host", fmt.Sprintf("%s/%s, %d CPUs", i.OS, i.Architecture, i.NCPU)},
	} {
		fmt.Fprintf(a.out, "%s: %v\n", l[0], l[1])
	}
}
