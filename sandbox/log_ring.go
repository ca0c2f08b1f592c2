package sandbox

import (
	"bytes"
	"time"
)

// ringBytes is how much of a log is held in memory.
const ringBytes = 1 << 20

// logRing is the last of what a program wrote, for a log that is removed with
// its container and that perhaps nobody asks for: to write it would cost more
// than the program takes to make it. The first who asks has it written, and from
// then on it is a log as any other (logWriter.show).
type logRing struct {
	pieces []logPiece // the oldest first
	bytes  int
}

type logPiece struct {
	stream frameKind
	text   []byte
	at     time.Time
}

func (r *logRing) add(stream frameKind, p []byte, at time.Time) {
	p = p[max(len(p)-ringBytes, 0):]
	for r.bytes+len(p) > ringBytes {
		r.bytes -= len(r.pieces[0].text)
		r.pieces = r.pieces[1:]
	}
	if n := len(r.pieces); n > 0 && r.pieces[n-1].stream == stream && len(r.pieces[n-1].text) < maxFrame && at.Sub(r.pieces[n-1].at) < time.Millisecond {
		r.pieces[n-1].text = append(r.pieces[n-1].text, p...)
	} else {
		r.pieces = append(r.pieces, logPiece{stream, bytes.Clone(p), at})
	}
	r.bytes += len(p)
}

// show writes what is held, and from now on everything at once.
func (w *logWriter) show() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ring == nil {
		return
	}
	for _, p := range w.ring.pieces {
		w.writeLocked(p.stream, p.text, p.at)
	}
	w.ring = nil
}
