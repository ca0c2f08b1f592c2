package edit

import (
	"io"
)

// Error is an error of this package.
type Error string

// Errors of ReadLine and of Terminal.Read.
const (
	// ErrInterrupt is ^C: the line was given up.
	ErrInterrupt = Error("interrupted")
	// ErrResize may come from Terminal.Read: the width may have changed, the
	// line is drawn anew and reading goes on.
	ErrResize = Error("window resized")
)

func (e Error) Error() string { return string(e) }

// Terminal is what an Editor needs of a terminal.
type Terminal interface {
	// Read waits for at least one byte.
	Read(p []byte) (int, error)
	Write(p []byte) (int, error)
	// Raw switches echo, line editing and signals of the line discipline off,
	// and returns what puts the settings back.
	Raw() (restore func() error, err error)
	// Columns is the width of the screen; less than 2 counts as 80.
	Columns() int
}

// Completion is the answer of a completer.
type Completion struct {
	Start      int      // offset in bytes of the word that is completed
	Candidates []string // what may stand there, each a whole word as it is to be typed
	NoSpace    bool     // no space after a single candidate
}

// Options of an Editor.
type Options struct {
	History  History                               // nil: none
	Complete func(line string, pos int) Completion // pos is an offset in bytes; nil: tab does nothing
	MaxLine  int                                   // characters; 0: 1 << 20
	NoPaste  bool                                  // do not ask the terminal for bracketed paste
}

// Editor reads lines. The kill ring lives on from line to line.
type Editor struct {
	t    Terminal
	o    Options
	in   input
	out  []byte
	kill killRing

	buf     buffer
	view    view
	hist    cursor
	undo    []buffer
	last    command // the one before, for runs of kills and tabs
	dirty   bool
	listing bool // the last tab could not add anything
	lastArg int  // how far Alt-. went back
	lastLen int  // how much it inserted
}

// New returns an editor for t.
func New(t Terminal, o Options) *Editor {
	if o.MaxLine <= 0 {
		o.MaxLine = 1 << 20
	}
	return &Editor{t: t, o: o, in: input{t: t}}
}

// ReadLine shows the prompt and returns the line without its newline. The prompt
// may have several lines and escape sequences. io.EOF is ^D on an empty line or
// the end of the input; ErrInterrupt is ^C. Any other error is of the terminal.
// A line pasted in brackets may contain newlines.
func (e *Editor) ReadLine(prompt string) (line string, err error) {
	restore, err := e.t.Raw()
	if err != nil {
		return "", err
	}
	defer func() {
		if rerr := restore(); err == nil {
			err = rerr
		}
	}()
	e.begin(prompt)
	if !e.o.NoPaste {
		e.write("\x1b[?2004h")
		defer func() {
			e.write("\x1b[?2004l")
			if ferr := e.flush(); err == nil {
				err = ferr
			}
		}()
	}
	for {
		if e.dirty && !e.in.buffered() {
			e.refresh()
		}
		if err := e.flush(); err != nil {
			return "", err
		}
		k, err := e.in.key()
		if err == ErrResize {
			e.dirty = true
			continue
		}
		if err != nil {
			return e.inputEnds(err)
		}
		switch done := e.handle(k); done {
		case doneLine:
			e.leave()
			return e.buf.String(), nil
		case doneInterrupt:
			e.write("^C")
			e.leave()
			return "", ErrInterrupt
		case doneEOF:
			return "", io.EOF
		}
	}
}

// begin resets what belongs to one line.
func (e *Editor) begin(prompt string) {
	e.buf, e.undo = buffer{}, nil
	e.hist = cursor{}
	if e.o.History != nil {
		e.hist.at = e.o.History.Len()
	}
	e.last, e.listing, e.lastArg, e.lastLen = cmdNone, false, 0, 0
	e.view = view{}
	e.write(e.view.setPrompt(prompt, e.columns()))
	e.dirty = true
}

// inputEnds gives the unfinished line if there is one.
func (e *Editor) inputEnds(err error) (string, error) {
	if err == io.EOF && len(e.buf.text) > 0 {
		e.leave()
		return e.buf.String(), nil
	}
	return "", err
}

// leave puts the cursor below the line.
func (e *Editor) leave() {
	e.buf.pos = len(e.buf.text)
	e.refresh()
	e.write("\r\n")
}

func (e *Editor) columns() int {
	if c := e.t.Columns(); c >= 2 {
		return c
	}
	return 80
}

func (e *Editor) write(s string) { e.out = append(e.out, s...) }

func (e *Editor) bell() { e.write("\a") }

func (e *Editor) flush() error {
	if len(e.out) == 0 {
		return nil
	}
	_, err := e.t.Write(e.out)
	e.out = e.out[:0]
	return err
}
