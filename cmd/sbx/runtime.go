package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"time"
)

// startPercent puts the first collection off until the heap is 32 MiB: the
// runtime's least goal is 4 MiB at 100 percent.
const startPercent = 800

// delayGC keeps the collector out of short commands and of starts, whose heap
// is a few MiB and goes with the process. The first collection that does come
// brings the usual pace back, so that a long one costs what it would have.
// A user who sets GOGC knows better.
func delayGC() {
	if os.Getenv("GOGC") != "" {
		return
	}
	debug.SetGCPercent(startPercent)
	runtime.AddCleanup(new(sentinel), func(usual int) { debug.SetGCPercent(usual) }, 100)
}

// startOver is when what a start left has become garbage.
const startOver = 3 * time.Second

// giveBack has what the start of a container left returned to the host, once, when it has run for a while: who then
// waits for something to do makes no garbage, and would keep it. So would it the pages of the program. The function calls that off.
func giveBack() (stop func() bool) {
	if os.Getenv("GOGC") != "" {
		return func() bool { return false }
	}
	return time.AfterFunc(startOver, func() {
		debug.FreeOSMemory()
		dropPages()
	}).Stop
}

// stackRoom is what a run of a container needs of the first goroutine's stack.
const stackRoom = 56 << 10

// growStack makes room on the caller's stack in one step, while there is next to
// nothing on it: it would grow by doubling, and be copied each time, deep in
// calls. With zero nothing else happens.
//
//go:noinline
func growStack(zero int) byte {
	if zero == 0 {
		return 0
	}
	var room [stackRoom]byte
	touch(room[:])
	return room[zero]
}

//go:noinline
func touch(b []byte) { b[0]++ }

// sentinel is garbage that the first collection finds. It has a pointer, so
// that it does not share its memory with what lives on.
type sentinel struct{ _ *sentinel }
