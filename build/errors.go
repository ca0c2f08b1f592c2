package build

import (
	"errors"
	"fmt"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/sbxrun/sbx/registry"
)

// ErrDockerfile is wrapped by every error about what a Dockerfile says.
var ErrDockerfile = errors.New("dockerfile error")

// Error is a build that failed at a place of its Dockerfile.
type Error struct {
	File   string   // name of the Dockerfile
	Line   int      // 0: not known
	Source string   // the lines around, as BuildKit shows them; "" when not known
	Step   string   // name of the vertex that failed; "" before any ran
	Output []string // the last lines that its program wrote
	Err    error
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// ProcessError is a RUN whose program failed.
type ProcessError struct {
	Args     []string
	ExitCode int
	Err      error // why it did not start; nil when it ended with ExitCode
}

func (e *ProcessError) Error() string {
	text := fmt.Sprintf("process %q did not complete successfully: ", strings.Join(e.Args, " "))
	if e.Err != nil {
		return text + e.Err.Error()
	}
	return text + fmt.Sprintf("exit code: %d", e.ExitCode)
}

func (e *ProcessError) Unwrap() error { return e.Err }

// dockerfileError is an error about the text of a Dockerfile.
type dockerfileError struct{ err error }

func (e *dockerfileError) Error() string   { return e.err.Error() }
func (e *dockerfileError) Unwrap() []error { return []error{e.err, ErrDockerfile} }

// badf makes an error about what a Dockerfile says.
func badf(format string, args ...any) error { return &dockerfileError{fmt.Errorf(format, args...)} }

// unsupported makes an error about what sbx does not do.
func unsupported(format string, args ...any) error {
	return registry.Errorf(registry.ErrUnsupported, format, args...)
}

// located gives an error its place in the Dockerfile, unless it has one.
func (f *file) located(err error, where []parser.Range, step string) error {
	var have *Error
	if err == nil || errors.As(err, &have) {
		return err
	}
	var le *parser.LocationError
	if len(where) == 0 && errors.As(err, &le) && len(le.Locations) > 0 {
		where = le.Locations[0]
	}
	e := &Error{File: f.name, Step: step, Err: err}
	if len(where) > 0 {
		e.Line = where[0].Start.Line
		e.Source = f.excerpt(where[0].Start.Line, where[len(where)-1].End.Line)
	}
	return e
}

// contextLines are shown around the lines that are wrong.
const contextLines = 4

// excerpt is the lines first to last with some around them, numbered.
func (f *file) excerpt(first, last int) string {
	lines := strings.Split(string(f.text), "\n")
	last = max(last, first)
	pad := contextLines
	if last > first {
		pad = max(0, (2*contextLines-(last-first))/2)
	}
	var b strings.Builder
	for n := max(1, first-pad); n <= min(len(lines), last+pad); n++ {
		mark := "   "
		if n >= first && n <= last {
			mark = ">>>"
		}
		fmt.Fprintf(&b, " %3d | %s %s\n", n, mark, strings.TrimSuffix(lines[n-1], "\r"))
	}
	return b.String()
}
