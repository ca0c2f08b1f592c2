package sandbox

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sbxrun/sbx/internal/hostfile"
)

const (
	eventFile  = 1 << 20  // bytes after which another file is begun
	eventFiles = 2        // that are kept
	eventLine  = 64 << 10 // bytes of one event; its labels are left out of a longer one

	// eventKeep is how long a file stays open: those of one run go to one, and what becomes of it is seen.
	eventKeep = time.Second
)

// eventLog is $SBX_HOME/events: lines of JSON in files N.json, the highest N the
// newest. Any number of processes append to it without a lock: a line is one write
// at the end of a file, readers look at all files, and a process that begins another
// file loses nothing of those that have not seen it yet. A write that a full disk
// cut short costs its own line only.
type eventLog struct {
	dir string
	mu  sync.Mutex // of writes in this process
	to  *os.File   // that the last one went to; nil before the first and after close
	at  time.Time  // when that was opened
}

// close lets go of the file; what is added later opens it anew.
func (l *eventLog) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.to != nil {
		_ = l.to.Close()
		l.to = nil
	}
}

// files are the numbers of the files, the oldest first.
func (l *eventLog) files() (out []int) {
	list, _ := os.ReadDir(l.dir)
	for _, d := range list {
		if name, ok := strings.CutSuffix(d.Name(), ".json"); ok {
			if n, err := strconv.Atoi(name); err == nil && n > 0 {
				out = append(out, n)
			}
		}
	}
	slices.Sort(out)
	return out
}

func (l *eventLog) path(n int) string { return filepath.Join(l.dir, strconv.Itoa(n)+".json") }

// add appends an event. What cannot be written is lost: nothing that is done waits
// for room in the log.
func (l *eventLog) add(ev Event) {
	line, err := json.Marshal(ev)
	if err == nil && len(line) > eventLine {
		short := map[string]string{}
		for _, k := range [...]string{"name", "image"} {
			if v := ev.Attributes[k]; v != "" && len(v) < eventLine/8 {
				short[k] = v
			}
		}
		ev.Attributes = short
		line, err = json.Marshal(ev)
	}
	if err != nil || len(line) > eventLine {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	line = append(line, '\n')
	whole, ok := l.ready()
	if !ok {
		return
	}
	if !whole {
		line = append([]byte{'\n'}, line...)
	}
	_, _ = l.to.Write(line)
}

// ready has l.to be a file that an event can be added to, and reports whether it ends with a whole
// line. Only files that are full are deleted, by whoever begins another.
func (l *eventLog) ready() (whole, ok bool) {
	for range 2 {
		if l.to == nil {
			f, err := l.openLast()
			if err != nil {
				return false, false
			}
			l.to, l.at = f, time.Now()
		}
		fi, err := l.to.Stat()
		if err == nil && fi.Size() < eventFile && time.Since(l.at) < eventKeep {
			return endsLine(l.to, fi.Size()), true
		}
		_ = l.to.Close()
		l.to = nil
	}
	return false, false
}

// openLast opens the newest file, or begins another one and deletes the oldest.
func (l *eventLog) openLast() (*os.File, error) {
	files, n := l.files(), 1
	if len(files) > 0 {
		n = files[len(files)-1]
		if fi, err := os.Stat(l.path(n)); err == nil && fi.Size() >= eventFile {
			n++
			for _, old := range files {
				if old <= n-eventFiles {
					_ = os.Remove(l.path(old))
				}
			}
		}
	} else if err := os.MkdirAll(l.dir, 0o700); err != nil {
		return nil, err
	}
	return hostfile.OpenFile(l.path(n), os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
}

// endsLine reports whether what comes behind a file's first n bytes begins a line.
func endsLine(f *os.File, n int64) bool {
	if n == 0 {
		return true
	}
	var b [1]byte
	_, err := f.ReadAt(b[:], n-1)
	return err != nil || b[0] == '\n'
}

// eventReader reads what was not read yet.
type eventReader struct {
	l  *eventLog
	at map[int]int64 // how far each file is read
}

// skip has the reader begin behind what is there.
func (r *eventReader) skip() {
	for _, n := range r.l.files() {
		if fi, err := os.Stat(r.l.path(n)); err == nil {
			r.at[n] = fi.Size()
		}
	}
}

// next returns new events in the order of their times.
func (r *eventReader) next() (out []Event) {
	files := r.l.files()
	for n := range r.at {
		if !slices.Contains(files, n) {
			delete(r.at, n)
		}
	}
	// The newest first: who wrote there wrote to the others before.
	for _, n := range slices.Backward(files) {
		out = append(r.read(n), out...)
	}
	slices.SortStableFunc(out, func(a, b Event) int { return a.Time.Compare(b.Time) })
	return out
}

// read reads the whole lines of a file that were added.
func (r *eventReader) read(n int) (out []Event) {
	at := r.at[n]
	if fi, err := os.Stat(r.l.path(n)); err != nil || fi.Size() <= at {
		return nil
	}
	f, err := os.Open(r.l.path(n))
	if err != nil {
		return nil
	}
	defer f.Close()
	b, err := io.ReadAll(io.NewSectionReader(f, at, 2*eventFile))
	if err != nil {
		return nil
	}
	end := bytes.LastIndexByte(b, '\n') + 1
	r.at[n] = at + int64(end)
	for line := range bytes.Lines(b[:end]) {
		var ev Event
		if json.Unmarshal(line, &ev) == nil && ev.Type != "" {
			out = append(out, ev)
		}
	}
	return out
}
