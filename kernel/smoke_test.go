package kernel

import (
	"bytes"
	"strings"
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
)

func TestHello(t *testing.T) {
	w := newWorld(t)
	w.prog("hello", func(t *Task) int {
		t.Write(1, []byte("hello "+strings.Join(t.Argv(), " ")+"\n"))
		return 3
	})
	var out bytes.Buffer
	f := w.k.HostWriter(&out)
	p, err := w.k.Start(Exec{Argv: []string{"hello", "you"}, Env: []string{"PATH=/bin"}, Cred: RootCredentials(), Files: []*File{nil, f}})
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	want(t, "status", w.wait(p), linux.ExitStatus(3))
	want(t, "output", out.String(), "hello hello you\n")
	<-w.k.Done()
	ok(t, w.k.Close())
}

func TestPipeline(t *testing.T) {
	w := newWorld(t)
	w.prog("up", func(t *Task) int {
		b := make([]byte, 5)
		for {
			n, err := t.Read(0, b)
			if n == 0 {
				return int(linux.ErrnoOf(err))
			}
			t.Write(1, bytes.ToUpper(b[:n]))
		}
	})
	in, out := strings.NewReader("some words to shout"), &bytes.Buffer{}
	st := w.run(func(t *Task) int {
		r, wr, _ := t.Pipe(linux.O_CLOEXEC)
		a, err := t.Spawn(SpawnOpts{Path: "up", Argv: []string{"up"}, Files: map[int]int{1: wr}})
		if err != nil {
			return 10
		}
		b, err := t.Spawn(SpawnOpts{Path: "/bin/up", Argv: []string{"up"}, Files: map[int]int{0: r}})
		if err != nil {
			return 11
		}
		t.Close(r)
		t.Close(wr)
		for _, pid := range []int{a, b} {
			if p, st, _, err := t.Wait4(pid, 0); p != pid || st != 0 || err != nil {
				return 12
			}
		}
		if _, _, _, err := t.Wait4(-1, 0); err != linux.ECHILD {
			return 13
		}
		return 0
	}, w.k.HostReader(in), w.k.HostWriter(out))
	want(t, "status", st, 0)
	want(t, "output", out.String(), "SOME WORDS TO SHOUT")
}
