package main

import (
	"io"
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

// A verb that is made alone is the one that the whole tree has.
func TestVerbsAlone(t *testing.T) {
	t.Parallel()
	a := &app{out: io.Discard, err: io.Discard}
	for _, v := range a.verbs() {
		alone, _, err := newRoot(a, []string{v.name}).Find([]string{v.name})
		if err != nil || alone.Name() != v.name {
			t.Errorf("%s alone: %v %v", v.name, alone.Name(), err)
		}
		whole, _, err := newRoot(a, nil).Find([]string{v.name})
		if err != nil || whole.UsageString() != alone.UsageString() {
			t.Errorf("%s: %v\n%s\n%s", v.name, err, whole.UsageString(), alone.UsageString())
		}
	}
	for _, args := range [][]string{nil, {"help", "run"}, {"--help"}, {"image", "ls"}, {"nope"}} {
		if got := a.asked(args); got != "" {
			t.Errorf("%q asks for %s alone", args, got)
		}
	}
}

// What is called off in time is not done, and nothing is when the user has a pace of his own.
func TestGiveBack(t *testing.T) {
	t.Setenv("GOGC", "")
	if !giveBack()() {
		t.Error("it is not called off")
	}
	t.Setenv("GOGC", "100")
	if giveBack()() {
		t.Error("there is something to call off")
	}
}

// The first collection brings the usual pace back.
func TestDelayGC(t *testing.T) {
	t.Setenv("GOGC", "")
	was := debug.SetGCPercent(100)
	t.Cleanup(func() { debug.SetGCPercent(was) })
	delayGC()
	for {
		runtime.GC()
		if debug.SetGCPercent(startPercent) == 100 {
			return
		}
		time.Sleep(time.Millisecond)
	}
}
