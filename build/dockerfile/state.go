package dockerfile

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/registry"
)

// DefaultShell is the shell of the shell form where SHELL does not say.
var DefaultShell = []string{"/bin/sh", "-c"}

// State is an image's configuration while the instructions of one stage are
// applied to it.
type State struct {
	Image registry.ImageConfig
	Scope Scope

	cmdSet bool // CMD was given in this stage
	// What is shared with the configuration that the stage started from is copied
	// when it is changed first: stages of stages cost little.
	own struct{ env, labels, ports, volumes bool }
}

// NewState starts a stage from a configuration, which stays as it is.
func NewState(from registry.ImageConfig, escape rune) *State {
	c := &from.Config
	c.Env = slices.Clip(c.Env)
	c.OnBuild = slices.Clip(c.OnBuild)
	s := &State{Image: from, Scope: Scope{Escape: escape}}
	s.Scope.SetEnv(c.Env)
	return s
}

// bounds of a configuration: a Dockerfile of a few bytes may ask for much.
const (
	maxEnvironment = 4 << 20 // bytes
	maxVariables   = 5000
	maxEntries     = 200_000 // labels, ports, volumes
)

// SetEnv sets a variable of the image's environment.
func (s *State) SetEnv(name, value string) error {
	if name == "" || strings.ContainsRune(name+value, 0) || strings.Contains(name, "=") {
		return fmt.Errorf("%q is no name of a variable", name)
	}
	c := &s.Image.Config
	if !s.own.env {
		c.Env, s.own.env = slices.Clone(c.Env), true
	}
	c.Env = setEnv(c.Env, name, value)
	s.Scope.env[name] = value
	n := 0
	for _, kv := range c.Env {
		n += len(kv)
	}
	if n > maxEnvironment || len(c.Env) > maxVariables {
		return fmt.Errorf("the environment has more than %d variables or %d bytes", maxVariables, maxEnvironment)
	}
	return nil
}

// owned returns a map that may be changed.
func owned[V any](m map[string]V, own *bool) (map[string]V, error) {
	if !*own {
		m, *own = maps.Clone(m), true
	}
	if m == nil {
		m = map[string]V{}
	}
	if len(m) > maxEntries {
		return nil, fmt.Errorf("the image has more than %d labels, ports or volumes", maxEntries)
	}
	return m, nil
}

// Apply does what an instruction does to the configuration, and returns its
// line of the image's history. cmd has been expanded. It is an error for
// instructions that do more than that, but for WORKDIR, whose folder is the
// caller's to make.
func (s *State) Apply(cmd instructions.Command) (createdBy string, err error) {
	c := &s.Image.Config
	switch cmd := cmd.(type) {
	case *instructions.EnvCommand:
		return "ENV" + pairs(cmd.Env), s.env(cmd.Env)
	case *instructions.LabelCommand:
		return "LABEL" + pairs(cmd.Labels), s.label(cmd.Labels)
	case *instructions.MaintainerCommand:
		s.Image.Author = cmd.Maintainer
		return "MAINTAINER " + cmd.Maintainer, nil
	case *instructions.ExposeCommand:
		return s.expose(cmd)
	case *instructions.UserCommand:
		c.User = cmd.User
		return "USER " + cmd.User, nil
	case *instructions.VolumeCommand:
		return s.volume(cmd.Volumes)
	case *instructions.StopSignalCommand:
		if _, ok := linux.ParseSignal(cmd.Signal); !ok {
			return "", fmt.Errorf("invalid signal: %s", cmd.Signal)
		}
		c.StopSignal = cmd.Signal
		return "STOPSIGNAL " + cmd.Signal, nil
	case *instructions.ShellCommand:
		c.Shell = cmd.Shell
		return fmt.Sprintf("SHELL %v", cmd.Shell), nil
	case *instructions.OnbuildCommand:
		c.OnBuild = append(c.OnBuild, cmd.Expression)
		return "ONBUILD " + cmd.Expression, nil
	case *instructions.CmdCommand:
		c.Cmd, s.cmdSet = s.CommandLine(cmd.ShellDependantCmdLine), true
		return fmt.Sprintf("CMD %q", c.Cmd), nil
	case *instructions.EntrypointCommand:
		c.Entrypoint = s.CommandLine(cmd.ShellDependantCmdLine)
		if !s.cmdSet {
			c.Cmd = nil // the base image's was for another entry point
		}
		return fmt.Sprintf("ENTRYPOINT %q", c.Entrypoint), nil
	case *instructions.HealthCheckCommand:
		h := registry.Healthcheck(*cmd.Health)
		c.Healthcheck = &h
		return fmt.Sprintf("HEALTHCHECK &{%q %q %q %q %q %q}", h.Test, h.Interval, h.Timeout, h.StartPeriod, h.StartInterval, rune(h.Retries)), nil
	case *instructions.WorkdirCommand:
		c.WorkingDir = s.Path(cmd.Path)
		return "WORKDIR " + c.WorkingDir, nil
	}
	return "", fmt.Errorf("%s is not possible here", strings.ToUpper(cmd.Name()))
}

// Path makes an absolute path of one that is relative to WORKDIR.
func (s *State) Path(p string) string {
	if !path.IsAbs(p) {
		p = path.Join("/", s.Image.Config.WorkingDir, p)
	}
	return path.Clean(p)
}

// Shell is the shell of the shell form.
func (s *State) Shell() []string {
	if sh := s.Image.Config.Shell; len(sh) > 0 {
		return sh
	}
	return DefaultShell
}

// CommandLine is the program and arguments of a command in shell or exec form.
func (s *State) CommandLine(c instructions.ShellDependantCmdLine) []string {
	if c.PrependShell {
		return append(slices.Clone(s.Shell()), strings.Join(c.CmdLine, " "))
	}
	return c.CmdLine
}

func (s *State) env(list instructions.KeyValuePairs) error {
	for _, kv := range list {
		if err := s.SetEnv(kv.Key, kv.Value); err != nil {
			return err
		}
	}
	return nil
}

func (s *State) label(list instructions.KeyValuePairs) (err error) {
	c := &s.Image.Config
	if c.Labels, err = owned(c.Labels, &s.own.labels); err != nil {
		return err
	}
	for _, kv := range list {
		c.Labels[kv.Key] = kv.Value
	}
	return nil
}

func (s *State) expose(cmd *instructions.ExposeCommand) (string, error) {
	var ports []string
	for _, p := range cmd.Ports {
		words, err := s.Scope.Words(p)
		if err != nil {
			return "", err
		}
		for _, w := range words {
			list, err := parsePorts(w)
			if err != nil {
				return "", err
			}
			ports = append(ports, list...)
		}
	}
	c := &s.Image.Config
	var err error
	if c.ExposedPorts, err = owned(c.ExposedPorts, &s.own.ports); err != nil {
		return "", err
	}
	for _, p := range ports {
		c.ExposedPorts[p] = struct{}{}
	}
	slices.Sort(ports)
	return fmt.Sprintf("EXPOSE %v", slices.Compact(ports)), nil
}

func (s *State) volume(list []string) (_ string, err error) {
	c := &s.Image.Config
	if c.Volumes, err = owned(c.Volumes, &s.own.volumes); err != nil {
		return "", err
	}
	for _, v := range list {
		if v == "" {
			return "", fmt.Errorf("VOLUME specified can not be an empty string")
		}
		c.Volumes[v] = struct{}{}
	}
	return fmt.Sprintf("VOLUME %v", list), nil
}

func setEnv(env []string, k, v string) []string {
	for i, e := range env {
		if name, _, _ := strings.Cut(e, "="); name == k {
			env[i] = k + "=" + v
			return env
		}
	}
	return append(env, k+"="+v)
}

func pairs(list instructions.KeyValuePairs) string {
	var b strings.Builder
	for _, kv := range list {
		b.WriteString(" " + kv.String())
	}
	return b.String()
}
