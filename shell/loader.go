package shell

import (
	"bytes"
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
)

// Loader gives the kernel's loader of built-in programs: files whose first line
// is "#!sbx:builtin NAME". NAME is sh, dash or bash for the shell itself, or the
// name of a builtin command that makes sense as a program of its own (echo,
// printf, test, [, kill, pwd, true, false, …).
func Loader() kernel.Loader { return loader{} }

type loader struct{}

// Name implements kernel.Loader.
func (loader) Name() string { return "shell" }

// Match implements kernel.Loader.
func (loader) Match(head []byte) bool {
	return bytes.HasPrefix(head, []byte(kernel.BuiltinMagic))
}

// Load implements kernel.Loader.
func (loader) Load(t *kernel.Task, f *kernel.File, path string, argv, env []string) (kernel.Program, error) {
	var head [256]byte
	n, err := f.ReadAt(head[:], 0)
	if err != nil && n == 0 {
		return nil, linux.ErrnoOf(err)
	}
	line, _, _ := strings.Cut(string(head[:n]), "\n")
	rest, ok := strings.CutPrefix(line, kernel.BuiltinMagic)
	if !ok {
		return nil, linux.ENOEXEC
	}
	p, ok := New(strings.TrimSpace(rest), argv, env)
	if !ok {
		return nil, linux.ENOEXEC
	}
	return p, nil
}

// New makes the program of that name with its arguments and environment; ok is
// false when there is no such program.
func New(name string, argv, env []string) (p kernel.Program, ok bool) {
	switch name {
	case "sh", "dash", "ash":
		return &program{argv: argv, env: env}, true
	case "bash":
		return &program{argv: argv, env: env, bash: true}, true
	}
	if b, ok := builtins[name]; ok && b.program {
		return &applet{b: b, argv: argv, env: env}, true
	}
	return nil, false
}

// Names lists what New knows, sorted.
func Names() []string {
	out := []string{"ash", "bash", "dash", "sh"}
	for name, b := range builtins {
		if b.program {
			out = append(out, name)
		}
	}
	return sorted(out)
}

// program is the shell as the kernel runs it.
type program struct {
	argv, env []string
	bash      bool
}

// Run implements kernel.Program.
func (p *program) Run(t *kernel.Task) int {
	sh := newShell(t, p.bash)
	return sh.main(p.argv, p.env)
}

// applet is one builtin as a program.
type applet struct {
	b         *builtin
	argv, env []string
}

// Run implements kernel.Program.
func (a *applet) Run(t *kernel.Task) int {
	sh := newShell(t, true)
	sh.importEnv(a.env)
	sh.arg0 = a.b.name
	sh.applet = true
	args := append([]string{a.b.name}, a.argv[min(1, len(a.argv)):]...)
	sh.runBuiltin(a.b, args)
	return sh.status & 0xff
}
