package main

import (
	"errors"
	"fmt"

	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/docker/go-units"
	"github.com/spf13/cobra"

	"github.com/sbxrun/sbx/build"
)

// buildFlags are the flags of build.
type buildFlags struct {
	file, target, platform, network, progress, iidfile string
	tags, args, labels, secrets, contexts, outputs     []string
	noCacheFilter, hosts, cacheFrom, cacheTo           []string
	noCache, pull, quiet, load, rm, forceRm            bool
	memory, shmSize                                    string
	ulimits                                            []string
}

func (a *app) buildCmd() *cobra.Command {
	var f buildFlags
	c := verb(groupCommon, "build [OPTIONS] PATH|URL|-", "Make an image of a Dockerfile", exactArgs(1), func(c *cobra.Command, args []string) error {
		return a.build(c, &f, args[0])
	})
	fl := c.Flags()
	fl.StringVarP(&f.file, "file", "f", "", "The Dockerfile (default PATH/Dockerfile; - is standard input)")
	fl.StringArrayVarP(&f.tags, "tag", "t", nil, "Give the image a `NAME[:TAG]`")
	fl.StringArrayVar(&f.args, "build-arg", nil, "Set a build argument, `NAME=VALUE`; NAME alone takes the host's value")
	fl.StringVar(&f.target, "target", "", "Build this `stage` (default: the last)")
	fl.StringArrayVar(&f.labels, "label", nil, "Set a label, `KEY=VALUE`")
	fl.BoolVar(&f.noCache, "no-cache", false, "Do every step, whatever the cache has")
	fl.StringArrayVar(&f.noCacheFilter, "no-cache-filter", nil, "Do the steps of this `stage`")
	fl.BoolVar(&f.pull, "pull", false, "Ask registries for newer base images")
	fl.StringArrayVar(&f.secrets, "secret", nil, "A secret for RUN --mount=type=secret: `id=NAME[,src=FILE|,env=NAME]`")
	fl.StringArrayVar(&f.contexts, "build-context", nil, "A further context: `NAME=PATH` or NAME=docker-image://IMAGE")
	fl.StringArrayVar(&f.hosts, "add-host", nil, "Add `NAME:ADDRESS` to /etc/hosts of RUN")
	fl.StringVar(&f.network, "network", "default", "Network of RUN: default (connections out) or none")
	fl.StringVar(&f.platform, "platform", "", "Platform of the image, `os/arch[/variant]`")
	fl.StringVarP(&f.memory, "memory", "m", "", "Limit of memory of a RUN, such as `512m`")
	fl.StringVar(&f.shmSize, "shm-size", "", "Size of /dev/shm of a RUN (default 64m)")
	fl.StringArrayVar(&f.ulimits, "ulimit", nil, "Limit of each process of a RUN, `NAME=SOFT[:HARD]`")
	fl.StringArrayVarP(&f.outputs, "output", "o", nil, "What to make: `type=image|docker|oci|tar|local[,dest=PATH]`; a PATH alone is type=local, - is type=tar")
	fl.StringVar(&f.iidfile, "iidfile", "", "Write the image's id to `FILE`")
	fl.StringVar(&f.progress, "progress", "auto", "Show progress as `auto|plain|tty|quiet`")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "Print the image's id only")
	fl.BoolVar(&f.load, "load", true, "Put the image into the store (always done)")
	fl.StringArrayVar(&f.cacheFrom, "cache-from", nil, "Not supported: the cache is local")
	fl.StringArrayVar(&f.cacheTo, "cache-to", nil, "Not supported: the cache is local")
	fl.BoolVar(&f.rm, "rm", true, "Accepted for docker's sake: steps leave no containers")
	fl.BoolVar(&f.forceRm, "force-rm", false, "Accepted for docker's sake: steps leave no containers")
	for _, hidden := range []string{"load", "rm", "force-rm", "cache-from", "cache-to"} {
		_ = fl.MarkHidden(hidden)
	}
	return c
}

func (a *app) build(c *cobra.Command, f *buildFlags, where string) error {
	o, closeAll, err := a.buildOptions(f, where)
	if err != nil {
		return err
	}
	defer closeAll()
	show, err := a.buildProgress(f)
	if err != nil {
		return err
	}
	e, err := a.engine()
	if err != nil {
		return err
	}
	o.Progress = show.event
	res, err := build.Build(c.Context(), e, o)
	show.finish(err)
	if err == nil {
		err = closeAll()
	}
	if err != nil {
		return buildError(c, show, err)
	}
	if f.iidfile != "" && !res.Image.IsZero() {
		if err := os.WriteFile(f.iidfile, []byte(res.Image.ID()), 0o644); err != nil {
			return fmt.Errorf("%s: %w", f.iidfile, reason(err))
		}
	}
	if f.quiet && !res.Image.IsZero() {
		fmt.Fprintln(a.out, res.Image.ID())
	}
	return nil
}

// buildError tells of a build that failed, as BuildKit does.
func buildError(c *cobra.Command, show *buildShow, err error) error {
	if c.Context().Err() != nil {
		return err
	}
	var be *build.Error
	if errors.As(err, &be) {
		show.explain(be)
	}
	fmt.Fprintf(show.w, "ERROR: failed to solve: %s\n", printable(err.Error()))
	return exit(1, nil)
}

// buildOptions turns flags into a build. The function returned ends what was
// opened for it; the first call tells errors.
func (a *app) buildOptions(f *buildFlags, where string) (o build.Options, closeAll func() error, err error) {
	var closers []func(error) error
	closeAll = func() error {
		var errs []error
		for _, c := range closers {
			errs = append(errs, c(nil))
		}
		closers = nil
		return errors.Join(errs...)
	}
	if len(f.cacheFrom)+len(f.cacheTo) > 0 {
		return o, closeAll, usagef("--cache-from and --cache-to are not supported: steps are cached in the store of this machine; pull an image and build FROM it instead")
	}
	o = build.Options{
		Tags: f.tags, Target: f.target, Platform: f.platform, NoCache: f.noCache, NoCacheOf: splitAll(f.noCacheFilter), Pull: f.pull,
		Network: f.network, ExtraHosts: f.hosts,
	}
	if o.Labels, err = pairMap(f.labels, "label"); err != nil {
		return o, closeAll, err
	}
	if o.Contexts, err = pairMap(f.contexts, "build-context"); err != nil {
		return o, closeAll, err
	}
	o.Args = buildArgs(f.args)
	for _, step := range []func() error{
		func() error { return f.setSizes(&o) },
		func() error { return f.setEpoch(&o) },
		func() error { return f.setSecrets(&o) },
		func() error { return a.setContext(f, &o, where) },
		func() error { return a.setOutputs(f, &o, &closers) },
	} {
		if err := step(); err != nil {
			return o, closeAll, err
		}
	}
	return o, closeAll, nil
}

// setContext finds out what PATH means.
func (a *app) setContext(f *buildFlags, o *build.Options, where string) error {
	o.File = f.file
	if f.file == "-" {
		if where == "-" {
			return usagef("standard input cannot be both the Dockerfile and the context")
		}
		o.File, o.Text = "", a.in
	}
	switch {
	case where == "-":
		if ttyFd(a.in) >= 0 {
			return usagef("refusing to read a Dockerfile from a terminal: redirect standard input, or give a folder")
		}
		o.Tar = a.in
	case strings.Contains(where, "://") || strings.HasPrefix(where, "git@") || strings.HasPrefix(where, "github.com/"):
		o.URL = where
	default:
		fi, err := os.Stat(where)
		if err == nil && !fi.IsDir() {
			err = errors.New("it is no folder")
		}
		if err != nil {
			return fmt.Errorf("unable to prepare context: path %q: %w", where, reason(err))
		}
		o.Dir = where
	}
	return nil
}

func (f *buildFlags) setSizes(o *build.Options) (err error) {
	for _, s := range []struct {
		flag, text string
		to         *int64
	}{{"memory", f.memory, &o.Memory}, {"shm-size", f.shmSize, &o.ShmSize}} {
		if s.text == "" {
			continue
		}
		if *s.to, err = units.RAMInBytes(s.text); err != nil {
			return usagef("invalid argument %q for --%s: %v", s.text, s.flag, err)
		}
	}
	o.Ulimits, err = parseUlimits(f.ulimits)
	return err
}

const epochVar = "SOURCE_DATE_EPOCH"

// setEpoch takes SOURCE_DATE_EPOCH from the build arguments, else from the
// environment (reproducible-builds.org/specs/source-date-epoch).
func (f *buildFlags) setEpoch(o *build.Options) error {
	text, ok := o.Args[epochVar]
	if !ok {
		text = os.Getenv(epochVar)
	}
	if text == "" {
		return nil
	}
	sec, err := strconv.ParseInt(text, 10, 64)
	if err != nil || sec < 0 || sec > 1<<35 {
		return fmt.Errorf("invalid %s: %q: it must be seconds since 1970", epochVar, text)
	}
	t := time.Unix(sec, 0).UTC()
	o.Epoch = &t
	if !ok {
		if o.Args == nil {
			o.Args = map[string]string{}
		}
		o.Args[epochVar] = text
	}
	return nil
}

// setSecrets reads id=NAME[,src=FILE][,env=NAME][,type=file|env].
func (f *buildFlags) setSecrets(o *build.Options) error {
	o.Secrets = map[string]build.Secret{}
	for _, spec := range f.secrets {
		fields, err := optionFields(spec)
		if err != nil {
			return usagef("invalid --secret %q: %v", spec, err)
		}
		id, file, env, typ := fields["id"], firstValue(fields, "src", "source"), fields["env"], fields["type"]
		if id == "" {
			return usagef("invalid --secret %q: use id=NAME[,src=FILE|,env=NAME]", spec)
		}
		if typ == "env" && env == "" {
			env, file = firstText(file, id), ""
		}
		if file == "" && env == "" {
			env = id
			if _, ok := os.LookupEnv(id); !ok {
				file, env = id, ""
			}
		}
		if env != "" {
			value, ok := os.LookupEnv(env)
			if !ok {
				return fmt.Errorf("secret %s: the environment has no %s", id, env)
			}
			o.Secrets[id] = build.Secret{Value: []byte(value)}
			continue
		}
		if _, err := os.Stat(file); err != nil {
			return fmt.Errorf("secret %s: %s: %w", id, file, reason(err))
		}
		o.Secrets[id] = build.Secret{File: file}
	}
	return nil
}

// setOutputs reads --output.
func (a *app) setOutputs(f *buildFlags, o *build.Options, closers *[]func(error) error) error {
	for _, spec := range f.outputs {
		out, dest, err := parseOutput(spec)
		if err != nil {
			return err
		}
		if dest == "" {
			switch out.Type {
			case build.OutputTar, build.OutputOCI:
				dest = "-"
			}
		}
		switch {
		case out.Type == build.OutputLocal:
			out.Dir = dest
		case dest == "-":
			if isTTY(a.out) {
				return errors.New("refusing to write an archive to a terminal: give dest=FILE, or redirect standard output")
			}
			out.W = a.out
		case dest != "" && (out.Type == build.OutputTar || out.Type == build.OutputOCI || out.Type == build.OutputDocker):
			w := &lateFile{path: dest}
			*closers = append(*closers, w.close)
			out.W = w
		}
		o.Outputs = append(o.Outputs, out)
	}
	return nil
}

func parseOutput(spec string) (out build.Output, dest string, err error) {
	if !strings.Contains(spec, "=") {
		if spec == "-" {
			return build.Output{Type: build.OutputTar}, "-", nil
		}
		return build.Output{Type: build.OutputLocal}, spec, nil
	}
	fields, err := optionFields(spec)
	if err != nil {
		return out, "", usagef("invalid --output %q: %v", spec, err)
	}
	out.Type = build.OutputType(fields["type"])
	if n := fields["name"]; n != "" {
		out.Names = strings.Split(n, ",")
	}
	if out.Type == "" {
		return out, "", usagef("invalid --output %q: type is required", spec)
	}
	if fields["push"] == "true" || out.Type == "registry" {
		return out, "", usagef("--output %s: build does not push: use sbx push afterwards", spec)
	}
	return out, fields["dest"], nil
}

// lateFile is a file that takes its name when all is written. It is made with
// the first write.
type lateFile struct {
	path string
	f    *os.File
}

func (l *lateFile) Write(p []byte) (int, error) {
	if l.f == nil {
		f, err := os.CreateTemp(filepath.Dir(l.path), ".sbx-")
		if err != nil {
			return 0, fmt.Errorf("%s: %w", l.path, reason(err))
		}
		l.f = f
	}
	return l.f.Write(p)
}

func (l *lateFile) close(error) error {
	if l.f == nil {
		return nil
	}
	err := l.f.Close()
	if err == nil {
		err = os.Chmod(l.f.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(l.f.Name(), l.path)
	}
	if err != nil {
		_ = os.Remove(l.f.Name())
	}
	l.f = nil
	return err
}

// optionFields reads key=value,key=value.
func optionFields(spec string) (map[string]string, error) {
	out := map[string]string{}
	for part := range strings.SplitSeq(spec, ",") {
		k, v, ok := strings.Cut(part, "=")
		if !ok {
			return nil, fmt.Errorf("%q is not KEY=VALUE", part)
		}
		out[strings.ToLower(strings.TrimSpace(k))] = v
	}
	return out, nil
}

func firstValue(m map[string]string, keys ...string) string {
	for _, k := range keys {
		if m[k] != "" {
			return m[k]
		}
	}
	return ""
}

func firstText(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

// pairMap reads KEY=VALUE flags.
func pairMap(list []string, flag string) (map[string]string, error) {
	out := map[string]string{}
	for _, s := range list {
		k, v, ok := strings.Cut(s, "=")
		if k == "" || !ok && flag == "build-context" {
			return nil, usagef("invalid --%s %q: use NAME=VALUE", flag, s)
		}
		out[k] = v
	}
	return out, nil
}

// buildArgs are NAME=VALUE; a NAME alone takes the host's value, because the
// user named it, and is none where the host has none.
func buildArgs(list []string) map[string]string {
	out := map[string]string{}
	for _, s := range list {
		k, v, ok := strings.Cut(s, "=")
		if !ok {
			if v, ok = os.LookupEnv(k); !ok {
				continue
			}
		}
		out[k] = v
	}
	return out
}

func splitAll(list []string) (out []string) {
	for _, s := range list {
		out = append(out, strings.Split(s, ",")...)
	}
	return out
}
