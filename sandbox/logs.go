package sandbox

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// LogOptions says what Logs returns.
type LogOptions struct {
	Follow       bool // go on until the container ends and is not restarted, or Until is over
	Tail         int  // the last lines only; negative: all
	Since, Until time.Time
}

// maxEntry bounds a line of a log's file: text of maxLogLine bytes, each six
// bytes in JSON, and what is around it.
const maxEntry = 1 << 20

const (
	followPoll = 100 * time.Millisecond // where nobody tells of growth
	followIdle = time.Second            // where somebody does
)

// Logs calls fn for what a container's programs wrote to its standard output
// and error, oldest first. It works on containers that run, wherever, and on
// those that have ended. An error of fn ends it.
func (e *Engine) Logs(ctx context.Context, ref string, o LogOptions, fn func(LogEntry) error) error {
	id, err := e.disk.find(ref)
	if err != nil {
		return err
	}
	rec, err := e.disk.record(id)
	if err != nil {
		return err
	}
	if rec.Config.LogDriver == LogNone {
		return fail(ErrConflict, "container %s keeps no log: it was made with --log-driver none", ref)
	}
	if st := e.disk.state(id, false); rec.Config.AutoRemove && st.Status == StatusRunning {
		if a, err := e.callControl(ctx, id, st, "follow", nil); err == nil { // it may hold its log back
			_ = a.Close()
		}
	}
	r := &logReader{dir: e.disk.dir(id), opts: o, fn: fn}
	defer r.close()
	if o.Tail >= 0 {
		r.skipTo(o.Tail)
	}
	if o.Follow {
		err = e.follow(ctx, id, r)
	} else {
		err = r.drain(ctx)
	}
	if errors.Is(err, errStop) {
		return nil
	}
	return err
}

// follow reads until the container ends and is not restarted. Who runs it says when there is more;
// where that cannot be heard of, the files are looked at.
func (e *Engine) follow(ctx context.Context, id string, r *logReader) error {
	bounded, cancel := context.WithCancel(ctx)
	if !r.opts.Until.IsZero() { // what is written later is not wanted
		bounded, cancel = context.WithDeadlineCause(ctx, r.opts.Until, errOver)
	}
	defer cancel()
	err := e.followOn(bounded, id, r)
	if errors.Is(err, errOver) {
		return r.drain(ctx)
	}
	return err
}

func (e *Engine) followOn(ctx context.Context, id string, r *logReader) error {
	for {
		st := e.disk.state(id, false)
		if !st.Active() {
			return r.drain(ctx)
		}
		wait := followPoll
		var grown chan struct{}
		a, err := e.callControl(ctx, id, st, "follow", nil)
		if err == nil {
			wait, grown = followIdle, make(chan struct{}, 1)
			go func() {
				defer close(grown)
				for {
					if _, err := a.ReadByte(); err != nil {
						return
					}
					select {
					case grown <- struct{}{}:
					default:
					}
				}
			}()
		}
		err = r.watch(ctx, grown, wait)
		if a != nil {
			_ = a.Close()
		}
		if err != nil {
			return err
		}
	}
}

// watch reads until the container may have ended.
func (r *logReader) watch(ctx context.Context, grown <-chan struct{}, wait time.Duration) error {
	for {
		if err := r.drain(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case _, ok := <-grown:
			if !ok {
				return nil
			}
		case <-time.After(wait):
			if grown == nil {
				return nil
			}
		}
	}
}

var (
	// errStop ends a reader without an error: nothing that is wanted follows.
	errStop = errors.New("stop")
	// errOver: the time until which a log is followed is over.
	errOver = errors.New("over")
)

// logReader reads the files of a log in order, also while they grow.
type logReader struct {
	dir    string
	opts   LogOptions
	fn     func(LogEntry) error
	f      *os.File
	in     *bufio.Reader
	number int    // of f
	part   []byte // a line that is not all there yet
}

func (r *logReader) close() {
	if r.f != nil {
		_ = r.f.Close()
		r.f = nil
	}
}

// drain reads all that is there.
func (r *logReader) drain(ctx context.Context) error {
	for {
		if r.f == nil {
			ok, err := r.openNext()
			if err != nil || !ok {
				return err
			}
		}
		last := !r.newer() // before the end is found: what a newer file follows is complete
		if err := r.readFile(ctx); err != nil {
			return err
		}
		if last {
			return nil
		}
		r.close()
	}
}

// newer reports whether a later file is there.
func (r *logReader) newer() bool {
	files := logFiles(r.dir)
	return len(files) > 0 && files[len(files)-1] > r.number
}

// openNext opens the oldest file that was not read.
func (r *logReader) openNext() (bool, error) {
	for _, n := range logFiles(r.dir) {
		if n <= r.number {
			continue
		}
		f, err := os.Open(filepath.Join(r.dir, logName(n)))
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted meanwhile
		}
		if err != nil {
			return false, err
		}
		r.f, r.number, r.part = f, n, nil
		r.in = bufio.NewReaderSize(f, maxFrame)
		return true, nil
	}
	return false, nil
}

// readFile gives out the lines that are whole.
func (r *logReader) readFile(ctx context.Context) error {
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		piece, err := r.in.ReadSlice('\n')
		if len(r.part)+len(piece) <= maxEntry {
			r.part = append(r.part, piece...)
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		line := r.part
		r.part = r.part[:0]
		if err := r.give(line); err != nil {
			return err
		}
	}
}

func (r *logReader) give(line []byte) error {
	e, ok := parseEntry(line)
	if !ok || e.Time.Before(r.opts.Since) {
		return nil
	}
	if !r.opts.Until.IsZero() && e.Time.After(r.opts.Until) {
		return errStop
	}
	return r.fn(e)
}

// skipTo goes to the last n lines.
func (r *logReader) skipTo(n int) {
	files := logFiles(r.dir)
	for _, num := range slices.Backward(files) {
		f, err := os.Open(filepath.Join(r.dir, logName(num)))
		if err != nil {
			break
		}
		off, left := tailOffset(f, n)
		if left > 0 && num != files[0] {
			_ = f.Close()
			n = left
			continue
		}
		if _, err = f.Seek(off, io.SeekStart); err != nil {
			_ = f.Close()
			break
		}
		r.f, r.number, r.in = f, num, bufio.NewReaderSize(f, maxFrame)
		return
	}
}

// tailOffset is where the last n lines of a file begin, and how many of them
// are not in it. Lines are those of the program: an entry that is only a part
// of one counts together with its end.
func tailOffset(f *os.File, n int) (off int64, left int) {
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, n
	}
	var tail []byte // from off on, of a line whose beginning is before it
	buf := make([]byte, maxFrame)
	at, ends := end, 0
	start := end // of the line that was looked at last
	for at > 0 {
		size := min(at, int64(len(buf)))
		at -= size
		if _, err := f.ReadAt(buf[:size], at); err != nil && err != io.EOF {
			return 0, n
		}
		piece := append(bytes.Clone(buf[:size]), tail...)
		for {
			cut := bytes.LastIndexByte(piece[:max(len(piece)-1, 0)], '\n')
			if cut < 0 {
				break
			}
			line := piece[cut+1:]
			if e, ok := parseEntry(line); ok && (e.whole() || ends == 0) {
				if ends++; ends > n {
					return start, 0
				}
			}
			start = at + int64(cut) + 1
			piece = piece[:cut+1]
		}
		if tail = piece; len(tail) > maxEntry {
			tail = tail[:maxEntry]
		}
	}
	if e, ok := parseEntry(tail); ok && (e.whole() || ends == 0) {
		if ends++; ends > n {
			return start, 0
		}
	}
	return 0, n - ends
}

func opFollow(r *Run, c *call) error {
	if r.log == nil {
		return fail(ErrConflict, "the container keeps no log")
	}
	r.log.show()
	if err := c.accept(nil); err != nil {
		return nil
	}
	c.stream()
	gone := make(chan struct{})
	go func() {
		_, _ = c.in.ReadByte() // nothing is sent: the caller left, or the container ends
		close(gone)
	}()
	for {
		grown := r.log.growth()
		if _, err := c.conn.Write([]byte{'\n'}); err != nil {
			return nil
		}
		select {
		case <-grown:
		case <-gone:
			return nil
		}
	}
}
