package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// readLog reads what a writer made.
func readLog(t testing.TB, dir string, o LogOptions) (out, errs string, n int) {
	t.Helper()
	var b [2]strings.Builder
	r := &logReader{dir: dir, opts: o, fn: func(e LogEntry) error {
		i := 0
		if e.Stderr {
			i = 1
		}
		n++
		b[i].Write(e.Line)
		return nil
	}}
	defer r.close()
	if o.Tail >= 0 {
		r.skipTo(o.Tail)
	}
	if err := r.drain(context.Background()); err != nil && !errors.Is(err, errStop) {
		t.Fatal(err)
	}
	return b[0].String(), b[1].String(), n
}

// FuzzLog: what is written is what is read, byte for byte, and every line is
// JSON of docker's shape, whose text others read the same when it is UTF-8.
func FuzzLog(f *testing.F) {
	f.Add([]byte("one\ntwo\nthree"), []byte("err\n"), 3)
	f.Add([]byte("\xff\xfe\x00\"\\\t\r\n\u2028é\xed\xa0\x80"), []byte{}, 1)
	f.Add(bytes.Repeat([]byte("x"), 3*maxLogLine), []byte("\n\n\n"), 5000)
	f.Fuzz(func(t *testing.T, out, errs []byte, step int) {
		dir := t.TempDir()
		w := newLogWriter(dir, logLimits{size: 1 << 30, files: 2})
		step = min(max(step, 1+len(out)/50, 1+len(errs)/50), 1<<20)
		for i := 0; i < max(len(out), len(errs)); i += step {
			w.write(frameStdout, out[min(i, len(out)):min(i+step, len(out))])
			w.write(frameStderr, errs[min(i, len(errs)):min(i+step, len(errs))])
		}
		if err := w.close(); err != nil {
			t.Fatal(err)
		}
		if a, b, _ := readLog(t, dir, LogOptions{Tail: -1}); a != string(out) || b != string(errs) {
			t.Fatalf("%q and %q became %q and %q", out, errs, a, b)
		}
		file, _ := os.ReadFile(filepath.Join(dir, logName(1)))
		var theirs strings.Builder
		for line := range bytes.Lines(file) {
			var e struct {
				Log, Stream string
				Time        time.Time
			}
			if err := json.Unmarshal(line, &e); err != nil || e.Time.IsZero() {
				t.Fatalf("%q: %v", line, err)
			}
			if e.Stream == "stdout" {
				theirs.WriteString(e.Log)
			}
		}
		if utf8.Valid(out) && len(out) < maxLogLine && theirs.String() != string(out) {
			t.Fatalf("others read %q of %q", theirs.String(), out)
		}
	})
}

// FuzzLogEntry: damage is skipped, never believed or fatal.
func FuzzLogEntry(f *testing.F) {
	f.Add([]byte(`{"log":"a\n","stream":"stdout","time":"2026-11-25T02:54:12Z"}`))
	f.Add([]byte(`{"log":"\ud83d\ude00\udcff\ud800","time":"2026-11-25T02:54:12Z"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, ok := parseEntry(b)
		if ok && len(e.Line) > len(b) {
			t.Fatalf("%q of %q", e.Line, b)
		}
	})
}

// TestLogTail: the last lines are the last lines, wherever files and blocks end.
func TestLogTail(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 7))
	for _, size := range []int64{500, 5000, 1 << 20} {
		dir := t.TempDir()
		w := newLogWriter(dir, logLimits{size: size, files: 1000})
		var lines []string
		for i := range 400 {
			line := fmt.Sprintf("%d %s\n", i, strings.Repeat("x", rnd.IntN(300)))
			if i%50 == 49 {
				line = strings.Repeat("y", maxLogLine+rnd.IntN(2*maxLogLine)) + "\n" // several entries
			}
			lines = append(lines, line)
			w.write(frameStdout, []byte(line))
		}
		lines = append(lines, "no end")
		w.write(frameStdout, []byte("no end"))
		if err := w.close(); err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{0, 1, 2, 3, 7, 49, 50, 51, 200, 400, 401, 402, 1000} {
			got, _, _ := readLog(t, dir, LogOptions{Tail: n})
			if want := strings.Join(lines[max(len(lines)-n, 0):], ""); got != want {
				t.Errorf("files of %d: the last %d lines are %d bytes, want %d", size, n, len(got), len(want))
			}
		}
	}
}

// TestLogCutOff: what a crash left of a line is skipped, and the next run's lines
// are whole.
func TestLogCutOff(t *testing.T) {
	dir := t.TempDir()
	w := newLogWriter(dir, logLimits{size: 1 << 20, files: 2})
	w.write(frameStdout, []byte("one\ntwo\n"))
	_ = w.close()
	path := filepath.Join(dir, logName(1))
	fi, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, fi.Size()-5); err != nil {
		t.Fatal(err)
	}
	w = newLogWriter(dir, logLimits{size: 1 << 20, files: 2})
	w.write(frameStdout, []byte("three\n"))
	_ = w.close()
	if got, _, _ := readLog(t, dir, LogOptions{Tail: -1}); got != "one\nthree\n" {
		t.Errorf("%q", got)
	}
}

// TestLogRotates: the bound holds, and who follows, no further behind than what is kept, misses nothing.
func TestLogRotates(t *testing.T) {
	e, ctx := openEngine(t, t.TempDir()), context.Background()
	in, goOn := io.Pipe()
	r, err := e.Run(ctx, Config{Name: "much", Image: "base", OpenStdin: true, LogOpts: map[string]string{"max-size": "8k", "max-file": "3"},
		Cmd: []string{"sh", "-c", `i=0; while read go; do n=0; while [ $n -lt 100 ]; do echo "this is line $i"; i=$((i+1)); n=$((n+1)); done; done`}}, CreateOptions{}, IO{Stdin: in})
	if err != nil {
		t.Fatal(err)
	}
	more := func() { go func() { _, _ = io.WriteString(goOn, "\n") }() }
	more()
	var followed strings.Builder
	if err := e.Logs(ctx, "much", LogOptions{Follow: true, Tail: -1}, func(l LogEntry) error {
		followed.Write(l.Line)
		if string(l.Line) == "this is line 2999\n" {
			return goOn.Close()
		}
		if bytes.HasSuffix(l.Line, []byte("99\n")) {
			more()
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	var want strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&want, "this is line %d\n", i)
	}
	if followed.String() != want.String() {
		t.Errorf("followed %d bytes of %d", followed.Len(), want.Len())
	}
	if _, err := r.Wait(ctx); err != nil {
		t.Error(err)
	}
	var total int64
	files := logFiles(e.disk.dir(r.ID()))
	for _, n := range files {
		fi, err := os.Stat(e.disk.file(r.ID(), logName(n)))
		if err != nil {
			t.Fatal(err)
		}
		total += fi.Size()
	}
	if len(files) != 3 || total > 3*8<<10 {
		t.Errorf("files %v, %d bytes", files, total)
	}
	if kept := logText(t, e, "much", LogOptions{Tail: -1}); !strings.HasSuffix(want.String(), kept) || len(kept) < 3<<10 {
		t.Errorf("%d bytes are kept", len(kept))
	}
}

// TestLogFull: a disk that is full loses lines of the log, never a line of the
// program, and is told of.
func TestLogFull(t *testing.T) {
	w := newLogWriter(filepath.Join(t.TempDir(), "nosuch"), logLimits{size: 1 << 20, files: 2})
	w.write(frameStdout, []byte("lost\n"))
	if err := w.close(); err == nil || !strings.Contains(err.Error(), "could not be written") {
		t.Error(err)
	}
}

// TestLogHeldBack: the log of a container in the foreground that is removed at
// its end is in memory until somebody asks, bounded, and then a log as any other.
func TestLogHeldBack(t *testing.T) {
	home, ctx := t.TempDir(), context.Background()
	a, b := openEngine(t, home), openEngine(t, home)
	r := running(t, a, Config{Name: "box", AutoRemove: true, OpenStdin: true}, `i=0; while [ $i -lt 40000 ]; do echo "this is the line of number $i"; i=$((i+1)); done; echo err >&2; echo last; read x; echo after; while :; do sleep 1; done`)
	s, err := a.Attach(ctx, "box", AttachOptions{Stdin: true, Stdout: true})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = s.Serve(IO{Stdin: strings.NewReader("go\n")})
	}()
	for { // until it reads
		r.io.in.mu.Lock()
		n := len(r.io.in.buf)
		r.io.in.mu.Unlock()
		r.log.mu.Lock()
		held := r.log.ring.bytes
		tail := ""
		if n := len(r.log.ring.pieces); n > 0 {
			tail = string(r.log.ring.pieces[n-1].text)
		}
		r.log.mu.Unlock()
		if held > ringBytes {
			t.Fatalf("%d bytes are held", held)
		}
		if n == 0 && strings.HasSuffix(tail, "after\n") {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if files := logFiles(a.disk.dir(r.ID())); len(files) != 0 {
		t.Errorf("files %v before anybody asked", files)
	}
	got := logText(t, b, "box", LogOptions{Tail: -1})
	if !strings.HasSuffix(got, "number 39999\nerr\nlast\nafter\n") || len(got) < ringBytes/2 {
		t.Errorf("%d bytes: %.100q", len(got), got[max(len(got)-100, 0):])
	}
	if tail := logText(t, b, "box", LogOptions{Tail: 1}); tail != "after\n" {
		t.Errorf("%q", tail)
	}
	r.Kill()
	_, _ = r.Wait(ctx)
	<-done
}

// TestPrompt: a line without its end is there after a moment.
func TestPrompt(t *testing.T) {
	e := openEngine(t, t.TempDir())
	r := running(t, e, Config{Name: "ask", OpenStdin: true}, `printf 'name? '; read x`)
	awaitLog(t, e, "ask", "name? ")
	r.Kill()
	_, _ = r.Wait(context.Background())
}

func BenchmarkLogWrite(b *testing.B) {
	w := newLogWriter(b.TempDir(), logLimits{size: 64 << 20, files: 2})
	defer w.close()
	line := bytes.Repeat([]byte("a line of a usual length, as programs write them to their logs\n"), 64)
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		w.write(frameStdout, line)
	}
}
