package sandbox

import (
	"bytes"
	"errors"
	"path"
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
	"github.com/sbxrun/sbx/kernel/loader"
	"github.com/sbxrun/sbx/vfs"
)

// The engines that State.Engine names.
const (
	EngineBuiltin = "builtin" // the built-in shell
	EngineWasm    = "wasm"    // a WebAssembly module
	EngineNative  = "native"  // x86-64 machine code
)

const (
	maxInterpreters = 5   // nested "#!", as Linux
	headLen         = 256 // bytes of a program that tell what it is
)

// engineOf tells which engine will run a program, following "#!" lines; ""
// when none can or there is no such program.
func engineOf(w *vfs.Walker, prog string, env []string, cwd string) string {
	for range maxInterpreters + 1 {
		head := programHead(w, prog, env, cwd)
		switch {
		case bytes.HasPrefix(head, []byte(kernel.BuiltinMagic)):
			return EngineBuiltin
		case bytes.HasPrefix(head, []byte("\x00asm")):
			return EngineWasm
		case bytes.HasPrefix(head, []byte(loader.Magic)):
			return EngineNative
		case bytes.HasPrefix(head, []byte("#!")):
			line, _, _ := strings.Cut(string(head[2:]), "\n")
			fields := strings.Fields(line)
			if len(fields) == 0 {
				return ""
			}
			prog = fields[0]
		default:
			return ""
		}
	}
	return ""
}

// programHead reads the first bytes of a program as the kernel would find it.
func programHead(w *vfs.Walker, prog string, env []string, cwd string) []byte {
	for _, p := range candidates(prog, env, cwd) {
		var a vfs.Attr
		if err := w.Stat(vfs.Loc{}, p, 0, &a); err != nil || a.Mode&linux.S_IFMT != linux.S_IFREG {
			continue
		}
		b, _ := readFile(w, p, headLen)
		return b
	}
	return nil
}

// candidates are the absolute paths that a program's name may mean.
func candidates(prog string, env []string, cwd string) []string {
	if strings.Contains(prog, "/") {
		return []string{absolute(prog, cwd)}
	}
	var out []string
	for dir := range strings.SplitSeq(firstOf(envValue(env, "PATH"), defaultPath), ":") {
		out = append(out, path.Join(absolute(dir, cwd), prog))
	}
	return out
}

func absolute(p, cwd string) string {
	if strings.HasPrefix(p, "/") {
		return p
	}
	return path.Join(cwd, p)
}

// explainStart turns the kernel's error into the line that the user sees and
// the kind that decides the exit code.
func explainStart(w *vfs.Walker, p Process, env []string, err error) error {
	slash := strings.Contains(p.Path, "/")
	switch {
	case errors.Is(err, linux.ENOENT) && slash:
		return fail(ErrProgramNotFound, "exec: %q: no such file or directory in the image", p.Path)
	case errors.Is(err, linux.ENOENT):
		return fail(ErrProgramNotFound, "exec: %q: executable file not found in $PATH of the image", p.Path)
	case errors.Is(err, linux.ENOTDIR), errors.Is(err, linux.ELOOP), errors.Is(err, linux.ENAMETOOLONG):
		return fail(ErrProgramNotFound, "exec: %q: %v", p.Path, linux.ErrnoOf(err))
	case errors.Is(err, linux.ENOEXEC):
		return fail(ErrCannotRun, "exec %s: exec format error%s", p.Path, formatAdvice(programHead(w, p.Path, env, p.Cwd)))
	case errors.Is(err, linux.EACCES), errors.Is(err, linux.EISDIR), errors.Is(err, linux.EPERM):
		return fail(ErrCannotRun, "exec: %q: %v", p.Path, linux.ErrnoOf(err))
	}
	return fail(ErrCannotRun, "exec: %q: %v", p.Path, err)
}

// formatAdvice says what to do about a program that nothing here can run.
func formatAdvice(head []byte) string {
	const builtin = "; --userland=builtin runs the built-in shell and tools over this image"
	switch {
	case bytes.HasPrefix(head, []byte(loader.Magic)):
		if m := loader.Foreign(head); m != "" {
			return ": the program is " + m + ", and sbx runs x86-64 programs" + builtin
		}
		return ": machine code runs on linux/amd64 hosts, and the file must be whole" + builtin
	case bytes.HasPrefix(head, []byte("#!")):
		return ": the interpreter of its #! line cannot be run" + builtin
	}
	return ": it is no script with a #! line, no WASM module and no ELF program"
}
