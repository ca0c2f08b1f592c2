package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func newDisk(t *testing.T) disk { return disk{root: filepath.Join(t.TempDir(), "containers")} }

func (d disk) mustAdd(t *testing.T, name string) Record {
	t.Helper()
	rec := Record{ID: newID(), Name: name}
	lock, err := d.add(context.Background(), &rec)
	if err != nil {
		t.Fatal(err)
	}
	lock.unlock()
	return rec
}

func TestDiskFind(t *testing.T) {
	d := newDisk(t)
	a, b := d.mustAdd(t, "web"), d.mustAdd(t, "")
	hexName := d.mustAdd(t, a.ID[:6]) // a name that is also the prefix of an id
	for _, c := range []struct{ ref, want string }{
		{a.ID, a.ID}, {"web", a.ID}, {a.ID[:12], a.ID}, {b.Name, b.ID}, {b.ID[:20], b.ID}, {a.ID[:6], hexName.ID},
	} {
		if got, err := d.find(c.ref); err != nil || got != c.want {
			t.Errorf("find %q: %q %v", c.ref, got, err)
		}
	}
	for _, ref := range []string{"", "nope", "zz", strings.Repeat("0", 64), "../web", "WEB"} {
		if got, err := d.find(ref); !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrInvalid) {
			t.Errorf("find %q: %q %v", ref, got, err)
		}
	}
}

func TestDiskAmbiguousPrefix(t *testing.T) {
	d := newDisk(t)
	for i := range 2 {
		rec := Record{ID: "abcdef" + strings.Repeat(fmt.Sprint(i), 58)}
		lock, err := d.add(context.Background(), &rec)
		if err != nil {
			t.Fatal(err)
		}
		lock.unlock()
	}
	if _, err := d.find("abc"); !errors.Is(err, ErrInvalid) {
		t.Errorf("ambiguous prefix: %v", err)
	}
}

func TestDiskNamesAreUnique(t *testing.T) {
	d := newDisk(t)
	var wg sync.WaitGroup
	var won, lost sync.Map
	for i := range 20 {
		wg.Go(func() {
			rec := Record{ID: newID(), Name: "same"}
			lock, err := d.add(context.Background(), &rec)
			switch {
			case err == nil:
				lock.unlock()
				won.Store(i, true)
			case errors.Is(err, ErrConflict):
				lost.Store(i, true)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := countMap(&won); n != 1 {
		t.Errorf("%d containers got the name", n)
	}
}

func countMap(m *sync.Map) (n int) {
	m.Range(func(any, any) bool { n++; return true })
	return n
}

func TestDiskRemoveFreesName(t *testing.T) {
	d := newDisk(t)
	rec := d.mustAdd(t, "web")
	lock, err := d.lock(context.Background(), rec.ID, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.remove(rec.ID, rec.Name, lock); err != nil {
		t.Fatal(err)
	}
	if _, err := d.find("web"); !errors.Is(err, ErrNotFound) {
		t.Errorf("after remove: %v", err)
	}
	if _, err := d.lock(context.Background(), rec.ID, time.Second); !errors.Is(err, ErrNotFound) {
		t.Errorf("lock after remove: %v", err)
	}
	d.mustAdd(t, "web")
}

func TestDiskCrash(t *testing.T) {
	d := newDisk(t)
	rec := d.mustAdd(t, "web")
	lock, err := d.lock(context.Background(), rec.ID, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if err := writeJSON(d.file(rec.ID, stateName), State{Status: StatusRunning, HostPID: 1}); err != nil {
		t.Fatal(err)
	}
	if st := d.state(rec.ID, false); st.Status != StatusRunning {
		t.Errorf("a held container: %+v", st)
	}
	if _, err := d.lock(context.Background(), rec.ID, time.Millisecond); !errors.Is(err, ErrConflict) {
		t.Errorf("second lock: %v", err)
	}
	lock.unlock() // what the OS does when the holder dies
	for range 2 {
		if st := d.state(rec.ID, false); st.Status != StatusExited || st.ExitCode != 137 || st.Error == "" || st.FinishedAt.IsZero() {
			t.Errorf("after the crash: %+v", st)
		}
	}
}

// TestDiskStateIsOneMoment: who looks while a container ends sees it as it ran or as it ended, and never some of both.
func TestDiskStateIsOneMoment(t *testing.T) {
	d := newDisk(t)
	rec := d.mustAdd(t, "web")
	ended := State{Status: StatusExited, ExitCode: 3}
	if err := writeJSON(d.file(rec.ID, stateName), ended); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if st := d.state(rec.ID, false); st.Status != StatusRunning && (st.HostPID != 0 || st.Control != "" || st.ExitCode != 3) {
					t.Errorf("%+v", st)
					return
				}
			}
		})
	}
	for range 150 {
		lock, err := d.lock(context.Background(), rec.ID, time.Minute)
		if err != nil {
			t.Error(err)
			break
		}
		for _, st := range []State{{Status: StatusRunning, HostPID: 1, Control: "x"}, ended} {
			if err := writeJSON(d.file(rec.ID, stateName), st); err != nil {
				t.Error(err)
			}
		}
		lock.unlock()
	}
	close(stop)
	readers.Wait()
}

func TestDiskDamage(t *testing.T) {
	d := newDisk(t)
	rec := d.mustAdd(t, "web")
	for _, text := range []string{"", "{", "[]", `{"status":5}`} {
		if err := os.WriteFile(d.file(rec.ID, stateName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if st := d.state(rec.ID, false); st.Status != StatusDead {
			t.Errorf("state %q: %+v", text, st)
		}
		if err := os.WriteFile(d.file(rec.ID, configName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := d.record(rec.ID); !errors.Is(err, ErrCorrupt) {
			t.Errorf("record %q: %v", text, err)
		}
	}
}

func TestDiskSweep(t *testing.T) {
	d := newDisk(t)
	keep := d.mustAdd(t, "keep")
	left := []string{d.dir(newPrefix + newID()), d.dir(newID())}
	for _, dir := range left {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	d.mustAdd(t, "next")
	for _, dir := range left {
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s is still there", filepath.Base(dir))
		}
	}
	if _, err := d.record(keep.ID); err != nil {
		t.Error(err)
	}
}
