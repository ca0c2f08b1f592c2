package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestEventsFromMany has two logs of one folder written at once, over two files, of which
// none is deleted yet, while a reader follows: it gets each event once, and those of one writer in order.
func TestEventsFromMany(t *testing.T) {
	e := &Engine{}
	e.events.dir = t.TempDir()
	other := &eventLog{dir: e.events.dir}
	defer e.events.close()
	defer other.close()
	other.note(EventImage, "before", "", nil, nil)
	const writers, each = 4, 2000
	var wg sync.WaitGroup
	stop := errors.New("enough")
	got := [writers]int{}
	total := 0
	following, done := make(chan struct{}), make(chan error, 1)
	go func() {
		r := &eventReader{l: &e.events, at: map[int]int64{}}
		r.skip()
		close(following)
		for {
			for _, ev := range r.next() {
				var w, n int
				if _, err := fmt.Sscanf(ev.ID, "%d %d", &w, &n); err != nil || n != got[w] {
					done <- fmt.Errorf("event %q after %d", ev.ID, got[w])
					return
				}
				got[w]++
				if total++; total == writers*each {
					done <- nil
					return
				}
			}
		}
	}()
	<-following
	for w := range writers {
		l := &e.events
		if w%2 == 1 {
			l = other
		}
		wg.Go(func() {
			for n := range each {
				l.note(EventContainer, "start", fmt.Sprintf("%d %d", w, n), map[string]string{"pad": strings.Repeat("x", 60)}, nil)
			}
		})
	}
	wg.Wait()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if files := e.events.files(); len(files) != 2 {
		t.Errorf("files %v", files)
	}
	for range each { // with nobody who follows
		other.note(EventContainer, "start", "", map[string]string{"pad": strings.Repeat("x", 1000)}, nil)
	}
	if files := e.events.files(); len(files) != eventFiles || files[0] == 1 {
		t.Errorf("files %v", files)
	}
	seen := 0
	err := e.Events(context.Background(), EventOptions{Since: time.Unix(1, 0)}, func(ev Event) error {
		if seen++; seen == 10 {
			return stop
		}
		return nil
	})
	if err != stop {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := e.Events(ctx, EventOptions{}, func(ev Event) error { return fmt.Errorf("of the past: %v", ev) }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestEventsDamage has what is no event in the log, a line that was cut short, and
// labels that are too long.
func TestEventsDamage(t *testing.T) {
	e := &Engine{}
	e.events.dir = t.TempDir()
	e.emit(EventImage, "one", "")
	f, err := os.OpenFile(e.events.path(1), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = f.WriteString("\x00\xff\n[]\n{}\n" + `{"type":"image","action":"cu`)
	_ = f.Close()
	e.events.note(EventImage, "two", "", map[string]string{"long": strings.Repeat("x", eventLine)}, []string{"name", "n"})
	e.events.note(EventImage, strings.Repeat("x", 2*eventLine), "", nil, nil)
	if err := os.WriteFile(e.events.dir+"/x.json", []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	var got []string
	err = e.Events(context.Background(), EventOptions{Since: time.Unix(1, 0), Until: time.Now()}, func(ev Event) error {
		got = append(got, ev.Action+ev.Attributes["name"]+ev.Attributes["long"])
		return nil
	})
	if err != nil || strings.Join(got, " ") != "one twon" {
		t.Errorf("%q, %v", got, err)
	}
}
