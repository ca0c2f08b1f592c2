package sandbox

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
	"unicode/utf8"
)

const (
	maxLogLine = 16 << 10 // bytes of a line in one entry, as docker; a longer one is several
	// logHold is how long a line without its end is waited for.
	logHold = 250 * time.Millisecond
)

// logWriter keeps what a program writes: one JSON object a line, of docker's
// json-file shape,
//
//	{"log":"text\n","stream":"stdout","time":"2026-11-25T02:54:12.123456789Z"}
//
// Every entry is written to the file at once, so that it survives whatever
// happens to sbx; only a line whose end is not there yet waits for a moment.
// Bytes that are no UTF-8 are kept as lone surrogates, \udc80 to \udcff, which
// others read as U+FFFD. The file is made at the first byte. A nil logWriter
// keeps nothing.
type logWriter struct {
	dir    string
	limits logLimits

	mu     sync.Mutex
	f      *os.File // nil: not opened yet
	number int
	size   int64
	buf    []byte
	parts  map[frameKind][]byte // lines without their end
	timer  *time.Timer          // writes them; nil: not armed
	lost   int64                // bytes that could not be written
	err    error                // why
	closed bool
	grown  chan struct{} // closed and replaced when the file has grown
	ring   *logRing      // nil: entries are written at once
}

func newLogWriter(dir string, l logLimits) *logWriter {
	return &logWriter{dir: dir, limits: l, parts: map[frameKind][]byte{}, grown: make(chan struct{})}
}

// write takes what a program wrote to one of its streams. It never fails: what
// cannot be kept is counted.
func (w *logWriter) write(stream frameKind, p []byte) {
	if w == nil || len(p) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.closed:
	case w.ring != nil:
		w.ring.add(stream, p, time.Now())
	default:
		w.writeLocked(stream, p, time.Now())
	}
}

// remark adds a line of sbx's own, on standard error. Lines of the program that wait for their end are cut before it.
func (w *logWriter) remark(line string) {
	if w == nil {
		return
	}
	w.mu.Lock()
	if !w.closed && w.ring == nil {
		w.partsLocked()
	}
	w.mu.Unlock()
	w.write(frameStderr, []byte(line+"\n"))
}

func (w *logWriter) writeLocked(stream frameKind, p []byte, at time.Time) {
	end := entryEnd(stream, w.limits.attrs, at)
	part := w.parts[stream]
	for len(p) > 0 {
		n := bytes.IndexByte(p, '\n') + 1
		if n == 0 {
			n = len(p)
		}
		n = min(n, maxLogLine-len(part))
		part = append(part, p[:n]...)
		p = p[n:]
		if part[len(part)-1] == '\n' || len(part) == maxLogLine {
			w.entry(part, end)
			part = part[:0]
		}
	}
	w.parts[stream] = part
	if len(part) > 0 && w.timer == nil {
		w.timer = time.AfterFunc(logHold, w.writeParts)
	}
	w.flush()
}

// writeParts writes lines that have waited for their end.
func (w *logWriter) writeParts() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = nil
	w.partsLocked()
}

func (w *logWriter) partsLocked() {
	for _, stream := range []frameKind{frameStdout, frameStderr} {
		if len(w.parts[stream]) > 0 {
			w.entry(w.parts[stream], entryEnd(stream, w.limits.attrs, time.Now()))
			delete(w.parts, stream)
		}
	}
	w.flush()
}

// entry adds one entry to what is written next.
func (w *logWriter) entry(line, end []byte) {
	old := len(w.buf)
	w.buf = append(w.buf, `{"log":"`...)
	w.buf = appendEscaped(w.buf, line)
	w.buf = append(w.buf, end...)
	if w.f == nil && !w.open() {
		return
	}
	if w.size > 0 && w.size+int64(len(w.buf)) > w.limits.size {
		rest := bytes.Clone(w.buf[old:])
		w.buf = w.buf[:old]
		w.flush()
		w.next()
		w.buf = append(w.buf, rest...)
	} else if len(w.buf) >= maxFrame {
		w.flush()
	}
}

// flush writes what is due.
func (w *logWriter) flush() {
	if len(w.buf) == 0 {
		return
	}
	if w.f == nil {
		w.lost += int64(len(w.buf))
	} else if n, err := w.f.Write(w.buf); err != nil {
		w.lost += int64(len(w.buf) - n)
		w.err = err
		_ = w.f.Truncate(w.size) // what is there in part would spoil the next line
	} else {
		w.size += int64(n)
	}
	w.buf = w.buf[:0]
	close(w.grown)
	w.grown = make(chan struct{})
}

// open opens the newest file, or makes the first.
func (w *logWriter) open() bool {
	w.number = 1
	if files := logFiles(w.dir); len(files) > 0 {
		w.number = files[len(files)-1]
	}
	f, err := os.OpenFile(filepath.Join(w.dir, logName(w.number)), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		w.err = err
		return false
	}
	w.f = f
	if w.size, err = f.Seek(0, io.SeekEnd); err != nil || w.size == 0 {
		return true
	}
	var last [1]byte
	if _, err := f.ReadAt(last[:], w.size-1); err == nil && last[0] != '\n' { // a crash cut it off
		if n, _ := f.Write([]byte{'\n'}); n == 1 {
			w.size++
		}
	}
	return true
}

// next begins a new file and deletes the oldest.
func (w *logWriter) next() {
	f, err := os.OpenFile(filepath.Join(w.dir, logName(w.number+1)), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		w.err = err
		return // the old one grows
	}
	_ = w.f.Close()
	w.f, w.size = f, 0
	w.number++
	for _, n := range logFiles(w.dir) {
		if n <= w.number-w.limits.files {
			_ = os.Remove(filepath.Join(w.dir, logName(n)))
		}
	}
}

// growth is closed when there is more to read.
func (w *logWriter) growth() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.grown
}

// close writes what waits and tells what was lost.
func (w *logWriter) close() error {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	if w.timer != nil {
		w.timer.Stop()
	}
	w.partsLocked()
	w.closed = true
	if w.f != nil {
		_ = w.f.Close()
	}
	if w.lost > 0 {
		return fail(diskError(w.err), "%d bytes of the log could not be written: %v", w.lost, reasonOf(w.err))
	}
	return nil
}

// streamNames are the values of "stream".
var streamNames = map[frameKind]string{frameStdout: "stdout", frameStderr: "stderr"}

// entryEnd is what follows the text of an entry.
func entryEnd(stream frameKind, attrs []byte, at time.Time) []byte {
	b := make([]byte, 0, 80+len(attrs))
	b = append(b, `","stream":"`...)
	b = append(b, streamNames[stream]...)
	if attrs != nil {
		b = append(b, `","attrs":`...)
		b = append(b, attrs...)
		b = append(b, `,"time":"`...)
	} else {
		b = append(b, `","time":"`...)
	}
	b = at.UTC().AppendFormat(b, time.RFC3339Nano)
	return append(b, "\"}\n"...)
}

// escapes is what JSON has for each byte that is not itself: of those above 0x7f
// that are no UTF-8, a lone surrogate.
var escapes = sync.OnceValue(func() *[256]string {
	var t [256]string
	for c := range t {
		switch {
		case c < ' ' || c == 0x7f:
			t[c] = fmt.Sprintf(`\u%04x`, c)
		case c >= utf8.RuneSelf:
			t[c] = fmt.Sprintf(`\udc%02x`, c)
		}
	}
	t['"'], t['\\'], t['\n'], t['\r'], t['\t'] = `\"`, `\\`, `\n`, `\r`, `\t`
	return &t
})

// appendEscaped appends text as the inside of a JSON string.
func appendEscaped(b, text []byte) []byte {
	escapes := escapes()
	for len(text) > 0 {
		n := 0
		for n < len(text) && escapes[text[n]] == "" {
			n++
		}
		b = append(b, text[:n]...)
		if text = text[n:]; len(text) == 0 {
			break
		}
		if text[0] >= utf8.RuneSelf {
			if r, n := utf8.DecodeRune(text); r != utf8.RuneError || n > 1 {
				b = append(b, text[:n]...)
				text = text[n:]
				continue
			}
		}
		b = append(b, escapes[text[0]]...)
		text = text[1:]
	}
	return b
}
