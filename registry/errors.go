package registry

import (
	"errors"
	"fmt"
	"io/fs"
)

// Kinds of failure. Every error of this package that a user can act on wraps one of them, and its text is one line
// that says what to do.
var (
	ErrNotFound     = errors.New("not found")
	ErrInvalidRef   = errors.New("invalid reference format")
	ErrUnauthorized = errors.New("unauthorized")
	ErrNoNetwork    = errors.New("network unreachable")
	ErrUnavailable  = errors.New("registry unavailable")
	ErrPlatform     = errors.New("no matching platform")
	ErrCorrupt      = errors.New("corrupt data")
	ErrTooLarge     = errors.New("limit exceeded")
	ErrUnsupported  = errors.New("unsupported format")
	ErrDiskFull     = errors.New("no space left on device")
	ErrConflict     = errors.New("conflict")
	ErrAmbiguous    = errors.New("ambiguous name")
)

// lineError is one clear line for the user over a kind and, if there is one, a cause.
type lineError struct {
	line  string
	kind  error
	cause error
}

func (e *lineError) Error() string { return e.line }

func (e *lineError) Unwrap() []error {
	if e.cause == nil {
		return []error{e.kind}
	}
	return []error{e.kind, e.cause}
}

// Errorf makes an error of the given kind whose text is exactly the formatted line. A %w operand is kept as its cause.
func Errorf(kind error, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return &lineError{line: err.Error(), kind: kind, cause: errors.Unwrap(err)}
}

// corrupt makes an ErrCorrupt.
func corrupt(format string, args ...any) error { return Errorf(ErrCorrupt, format, args...) }

// IsDiskFull reports whether err says that a disk or a quota of the host is full.
func IsDiskFull(err error) bool { return errors.Is(err, ErrDiskFull) || isDiskFull(err) }

// diskError names the store in errors of the disk, and what to do when it is full.
func diskError(home string, err error) error {
	if err == nil || errors.Is(err, ErrDiskFull) {
		return err
	}
	if isDiskFull(err) {
		return Errorf(ErrDiskFull, "no space left in the image store %s: free some with 'sbx system prune', or move the store with SBX_HOME: %w", home, err)
	}
	var pe *fs.PathError
	if errors.As(err, &pe) && errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("the image store %s cannot be written: make it yours, or move the store with SBX_HOME: %w", home, err)
	}
	return err
}
