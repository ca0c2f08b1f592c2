package sandbox

import (
	"maps"
	"slices"

	"github.com/sbxrun/sbx/registry"
)

// makeProcess brings the image's configuration and the user's wishes together
// by docker's rules: a new entry point drops the image's command, a new
// command keeps the image's entry point.
func makeProcess(img registry.ContainerConfig, c Config, id string) (Process, error) {
	p := Process{
		Cwd:        firstOf(c.WorkingDir, img.WorkingDir, "/"),
		User:       firstOf(c.User, img.User),
		StopSignal: firstOf(c.StopSignal, img.StopSignal),
		Entrypoint: img.Entrypoint,
		Cmd:        img.Cmd,
		Labels:     map[string]string{},
		Ports:      exposedPorts(img.ExposedPorts, c),
		Volumes:    slices.Sorted(maps.Keys(img.Volumes)),
		Health:     mergeHealth(img.Healthcheck, c.Health),
		Shell:      img.Shell,
	}
	if c.ClearEntrypoint || len(c.Entrypoint) > 0 {
		p.Entrypoint, p.Cmd = c.Entrypoint, nil
	}
	if len(c.Cmd) > 0 {
		p.Cmd = c.Cmd
	}
	argv := slices.Concat(p.Entrypoint, p.Cmd)
	if len(argv) == 0 || argv[0] == "" {
		return p, fail(ErrInvalid, "no command specified: the image names no program; give one after the image")
	}
	p.Path, p.Args = argv[0], argv[1:]
	maps.Copy(p.Labels, img.Labels)
	maps.Copy(p.Labels, c.Labels)
	p.Env = makeEnv(img.Env, c, hostnameOf(c, id))
	return p, nil
}

// makeEnv gives the defaults, over them the image's and over those the
// user's; HOME is added at start, when the user is known.
func makeEnv(img []string, c Config, hostname string) []string {
	base := []string{"PATH=" + defaultPath, "HOSTNAME=" + hostname}
	if c.TTY {
		base = append(base, "TERM=xterm")
	}
	return mergeEnv(mergeEnv(base, img), c.Env)
}

func hostnameOf(c Config, id string) string {
	return firstOf(c.Hostname, ShortID(id))
}

func firstOf(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}
