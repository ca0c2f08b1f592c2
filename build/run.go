package build

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/sbxrun/sbx/sandbox"
	"github.com/sbxrun/sbx/vfs"
)

// runOp is a RUN.
type runOp struct {
	args    []string
	env     []string // with proxies
	envKey  []string
	cwd     string
	user    string
	offline bool // --network=none
	mounts  []mount
	// script is a heredoc with a "#!" line: it is the program.
	script *script
}

// script is a file that exists while the step runs.
type script struct{ name, text string }

// scriptDir is where a heredoc is that is a program itself.
const scriptDir = "/dev/pipes"

func (b *builder) planRun(s *stage, cmd *instructions.RunCommand, l *line) error {
	o := &runOp{cwd: cmpOr(s.state.Image.Config.WorkingDir, "/"), user: s.state.Image.Config.User}
	if err := o.setNetwork(b, cmd); err != nil {
		return err
	}
	if instructions.GetSecurity(cmd) == instructions.SecurityInsecure {
		return unsupported("RUN --security=insecure is not supported: programs never get rights on the host")
	}
	if len(instructions.GetDevices(cmd)) > 0 {
		return unsupported("RUN --device is not supported: programs reach no device of the host")
	}
	for _, m := range instructions.GetMounts(cmd) {
		planned, err := b.planMount(s, m)
		if err != nil {
			return err
		}
		o.mounts = append(o.mounts, planned)
	}
	line := cmd.ShellDependantCmdLine
	o.setHeredoc(&line, cmd)
	o.args = s.state.CommandLine(line)
	if o.script != nil {
		o.args = []string{path.Join(scriptDir, o.script.name)}
	}
	if len(o.args) == 0 || o.args[0] == "" {
		return badf("RUN: no command")
	}
	o.env, o.envKey = b.environment(s)
	l.op, l.name = o, runName(cmd)
	args := argsOf(s)
	text := strings.Join(o.args, " ")
	if o.script != nil {
		text = strings.Join(cmd.CmdLine, " ") + " (" + o.script.text + ")"
	}
	if len(args) > 0 {
		text = fmt.Sprintf("|%d %s %s", len(args), strings.Join(args, " "), text)
	}
	l.createdBy = "RUN " + text + " # buildkit"
	return nil
}

// runName is the line as it stands in the Dockerfile, a heredoc cut short.
func runName(cmd *instructions.RunCommand) string {
	name := strings.TrimSpace(cmd.String())
	if len(cmd.Files) == 0 {
		return name
	}
	first, _, _ := strings.Cut(name, "\n")
	text := strings.TrimSpace(strings.SplitN(cmd.Files[0].Data+"\n", "\n", 2)[0])
	if len(text) > 60 {
		text = text[:60]
	}
	return fmt.Sprintf("%s (%s...)", first, text)
}

func (o *runOp) setNetwork(b *builder, cmd *instructions.RunCommand) error {
	mode := instructions.GetNetwork(cmd)
	if mode == instructions.NetworkDefault && b.o.Network != "" {
		mode = b.o.Network
	}
	switch mode {
	case instructions.NetworkNone:
		o.offline = true
	case instructions.NetworkHost:
		return unsupported("RUN --network=host is not supported: nothing of sbx reaches the network of the host itself")
	}
	return nil
}

// setHeredoc brings heredocs into the command. One that is all there is becomes
// the shell's text, or with a "#!" line a program; others are the shell's to
// read.
func (o *runOp) setHeredoc(line *instructions.ShellDependantCmdLine, cmd *instructions.RunCommand) {
	if len(cmd.Files) == 0 || !cmd.PrependShell {
		return
	}
	first := cmd.Files[0]
	text := first.Data
	if first.Chomp {
		text = parser.ChompHeredocContent(text)
	}
	whole := len(cmd.Files) == 1 && len(cmd.CmdLine) == 1
	if whole {
		h := parser.MustParseHeredoc(cmd.CmdLine[0])
		whole = h != nil && h.Name == first.Name && strings.TrimSpace(cmd.CmdLine[0]) == heredocWord(cmd.CmdLine[0])
	}
	switch {
	case whole && strings.HasPrefix(text, "#!"):
		o.script = &script{first.Name, text}
	case whole:
		line.CmdLine = []string{text}
	default:
		full := strings.Join(cmd.CmdLine, " ")
		for _, f := range cmd.Files {
			full += "\n" + f.Data + f.Name
		}
		line.CmdLine = []string{full}
	}
}

// heredocWord is the first word of a line.
func heredocWord(s string) string {
	fields := strings.Fields(s)
	if len(fields) == 0 {
		return ""
	}
	return fields[0]
}

func (o *runOp) alone() bool { return false }

func (o *runOp) needs() []*stage {
	var out []*stage
	for _, m := range o.mounts {
		if m.from.stage != nil {
			out = append(out, m.from.stage)
		}
	}
	return out
}

func (o *runOp) key(ctx context.Context, b *builder, on chain, content bool) (string, error) {
	k := on.key(newKey("run")).list(o.args).list(o.envKey).add(o.cwd, o.user, strconv.FormatBool(o.offline)).list(b.o.ExtraHosts)
	k.add(strconv.FormatInt(b.o.ShmSize, 10))
	if o.script != nil {
		k.add(o.script.name, o.script.text)
	}
	if b.o.Epoch != nil {
		k.add(b.o.Epoch.UTC().String())
	}
	for i := range o.mounts {
		ok, err := o.mounts[i].key(ctx, b, k, content)
		if err != nil || !ok {
			return "", err
		}
	}
	return k.sum(), nil
}

func (o *runOp) apply(ctx context.Context, b *builder, f *vfs.FS, v *vertex) (err error) {
	set := &mounts{b: b}
	defer func() { err = errors.Join(err, set.close()) }()
	if err := set.add(ctx, o.mounts); err != nil {
		return err
	}
	if o.script != nil {
		if err := set.addScript(o.script); err != nil {
			return err
		}
	}
	out := &lines{w: v}
	code, err := b.o.run(ctx, sandbox.Step{
		Root: f, Argv: o.args, Env: append(o.env[:len(o.env):len(o.env)], set.env...), Cwd: o.cwd, User: o.user,
		Offline: o.offline, Hostname: "buildkitsandbox", ExtraHosts: b.o.ExtraHosts, Memory: b.o.Memory, ShmSize: b.o.ShmSize, Ulimits: b.o.Ulimits,
		Mounts: set.list, Stdout: out, Stderr: out,
	})
	switch {
	case err != nil && ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return &ProcessError{Args: o.args, Err: err}
	case code != 0:
		return &ProcessError{Args: o.args, ExitCode: code}
	}
	return nil
}
