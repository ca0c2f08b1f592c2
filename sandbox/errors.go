package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/sbxrun/sbx/registry"
)

// What went wrong, for errors.Is. The text of the error that wraps one of
// these is one line that tells the user what to do.
var (
	// ErrInvalid: the request itself is wrong (a bad name, flag or value).
	ErrInvalid = errors.New("invalid request")
	// ErrNotFound: no such container or volume.
	ErrNotFound = errors.New("not found")
	// ErrConflict: the name is taken, or the container is in a state that
	// does not allow the operation.
	ErrConflict = errors.New("conflict")
	// ErrCorrupt: a file of the container's folder cannot be read.
	ErrCorrupt = errors.New("damaged container")
	// ErrCannotRun: the program was found but cannot be executed (exit 126).
	ErrCannotRun = errors.New("cannot run")
	// ErrProgramNotFound: there is no such program in the image (exit 127).
	ErrProgramNotFound = errors.New("program not found")
	// errEnding: the first program has ended and the rest follows.
	errEnding = errors.New("ending")
	// ErrClosed: the engine was closed.
	ErrClosed = errors.New("sandbox engine is closed")
)

// Exit codes of a run that did not end with the guest's own.
const (
	ExitEngine    = 125 // sbx itself failed
	ExitCannotRun = 126 // found, but not executable
	ExitNotFound  = 127 // no such program
	exitSignal    = 128 // plus the signal's number
)

// userError carries a message made for people and the sentinel that programs
// test for; the sentinel's own text is left out of the message.
type userError struct {
	kind error
	msg  string
}

func (e *userError) Error() string { return e.msg }
func (e *userError) Unwrap() error { return e.kind }

// fail makes a userError.
func fail(kind error, format string, args ...any) error {
	return &userError{kind: kind, msg: fmt.Sprintf(format, args...)}
}

// reasonOf is what the host's system said, without the path of a file that
// the user did not name.
func reasonOf(err error) error {
	var pe *fs.PathError
	var le *os.LinkError
	switch {
	case errors.As(err, &pe):
		return pe.Err
	case errors.As(err, &le):
		return le.Err
	}
	return err
}

// diskError says what to do about a full disk under the home folder.
func diskError(err error) error {
	if err != nil && registry.IsDiskFull(err) {
		return fail(registry.ErrDiskFull, "no space left on device (that of SBX_HOME): free some with 'sbx system prune', or move the folder with SBX_HOME")
	}
	return err
}

// errorKinds are the names by which errors pass from one sbx to another.
var errorKinds = map[string]error{
	"invalid": ErrInvalid, "not found": ErrNotFound, "conflict": ErrConflict, "corrupt": ErrCorrupt,
	"cannot run": ErrCannotRun, "program not found": ErrProgramNotFound, "closed": ErrClosed, "ending": errEnding, "disk full": registry.ErrDiskFull,
	"version": errVersion, "corrupt image": registry.ErrCorrupt, "no such image": registry.ErrNotFound,
}

// kindOf is the name of an error's kind; "" for one of no kind.
func kindOf(err error) string {
	for name, kind := range errorKinds {
		if errors.Is(err, kind) {
			return name
		}
	}
	return ""
}

// errorOf makes an error of what another sbx told.
func errorOf(kind, msg string) error {
	if k, ok := errorKinds[kind]; ok {
		return &userError{kind: k, msg: msg}
	}
	return errors.New(msg)
}

// ExitCode is the exit status that the command line gives for err, which
// Create, Start or Run returned: 0 for nil, 126 and 127 for programs that
// cannot be started, else 125.
func ExitCode(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, ErrCannotRun):
		return ExitCannotRun
	case errors.Is(err, ErrProgramNotFound):
		return ExitNotFound
	}
	return ExitEngine
}
