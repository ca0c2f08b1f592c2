package trap

import (
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// newTeller is a guest that asks for the time: it answers by itself, if this host lets it.
func newTeller(t testing.TB, code ...byte) *guest {
	g := newGuest(t, code...)
	if g.AnswerTime(true, 0); g.times == 0 {
		t.Skip("this host has no function that tells the time")
	}
	return g
}

// Answers are the host's, and registers and vectors stay.
func TestAnswers(t *testing.T) {
	// call syscall; then the exit that is no call
	g := newTeller(t, append(append([]byte{}, callSyscall...), 0xff, 0x54, 0x24, OffExitStop)...)
	at := g.HostPC
	r := rand.New(rand.NewPCG(5, 6))
	ask := func(number, di, si uint64) Reason {
		for i := range g.GPR {
			g.GPR[i] = r.Uint64()
		}
		g.GPR[0], g.GPR[7], g.GPR[6] = number, di, si
		g.Flags = 0x202 | uint64(r.Uint32())&0x8d5
		vectors := area(r, r.Uint64N(8))
		copy(g.Vectors(), vectors)
		want, flags := g.GPR, g.Flags
		g.HostPC = at
		g.Enter()
		if g.Reason == ReasonStop {
			want[0], want[11] = g.GPR[0], flags
		}
		if g.GPR != want || g.Flags != flags {
			t.Fatalf("call %d: registers %x flags %x, want %x %x", number, g.GPR, g.Flags, want, flags)
		}
		if v := g.Vectors(); !same(v, vectors) {
			t.Fatalf("call %d: vectors\n%x, want\n%x", number, v, vectors)
		}
		return g.Reason
	}
	word := func(i int) int64 { return int64(binary.LittleEndian.Uint64(g.mem[i:])) }
	nanos := func(id int32) int64 {
		var ts unix.Timespec
		if err := unix.ClockGettime(id, &ts); err != nil {
			t.Fatal(err)
		}
		return ts.Nano()
	}
	for id, host := range map[uint64]int32{0: 0, 5: 0, 1: 1, 4: 1, 6: 1, 7: 1} {
		for _, boot := range []time.Duration{0, 999_999_999, 5*time.Second + 17} {
			g.AnswerTime(true, boot)
			shift := int64(0)
			if host == 1 {
				shift = int64(boot)
			}
			before := nanos(host)
			if reason := ask(sysClockGettime, id, 0x40); reason != ReasonStop || g.GPR[0] != 0 {
				t.Fatalf("clock %d: reason %d, %d", id, reason, g.GPR[0])
			}
			after := nanos(host)
			if got := word(0x40)*1e9 + word(0x48) + shift; got < before || got > after || word(0x48) >= 1e9 || word(0x48) < 0 {
				t.Errorf("clock %d: %d is not between %d and %d", id, got, before, after)
			}
		}
	}
	before := nanos(0)
	if ask(sysGettimeofday, 0x80, 0) != ReasonStop {
		t.Fatal(g.Reason)
	}
	if got, after := word(0x80)*1e6+word(0x88), nanos(0); got < before/1e3 || got > after/1e3 {
		t.Errorf("gettimeofday: %d is not between %d and %d", got, before/1e3, after/1e3)
	}
	before = nanos(0)
	if ask(sysTime, 0, 1) != ReasonStop || int64(g.GPR[0]) < before/1e9 || int64(g.GPR[0]) > nanos(0)/1e9 {
		t.Errorf("time: %d at %d", g.GPR[0], before)
	}
	// What is Go's to do comes with nothing done.
	for _, c := range [][3]uint64{
		{sysClockGettime, 2, 0x40}, {sysClockGettime, 3, 0x40}, {sysClockGettime, 8, 0x40}, {sysClockGettime, 1 << 32, 0x40}, {sysClockGettime, ^uint64(0), 0x40},
		{sysClockGettime, 0, 0x7000_0000}, {sysClockGettime, 0, 1<<32 + 0x40}, {sysClockGettime, 0, 0xffff_ffff_ffff_fff8}, {sysClockGettime, 1, pageSize - 8},
		{sysGettimeofday, 0x7000_0000, 0}, {sysGettimeofday, 0x40, 0x40}, {sysGettimeofday, 0, 0}, {sysTime, 0x40, 0}, {39, 0, 0}, {1 << 40, 0, 0},
	} {
		if reason := ask(c[0], c[1], c[2]); reason != ReasonSyscall || g.HostPC != at+4 {
			t.Errorf("call %d of %#x, %#x: reason %d", c[0], c[1], c[2], reason)
		}
	}
	g.AnswerTime(false, 0)
	if reason := ask(sysClockGettime, 0, 0x40); reason != ReasonSyscall {
		t.Errorf("switched off: reason %d", reason)
	}
}

// Who does nothing but ask for the time is stopped at any moment, and no interrupt is lost.
func TestAnswersInterrupted(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(5))
	// again: mov eax, 228; call syscall; inc r12; jmp again
	code := append([]byte{0xb8, sysClockGettime, 0, 0, 0}, callSyscall...)
	code = append(code, 0x49, 0xff, 0xc4, 0xeb, 0xf2)
	g := newTeller(t, code...)
	start := g.HostPC
	at := start
	// The one after the last ends the loop: by then asked is closed.
	g.GPR[7], g.GPR[6] = 1, 0x40
	asked, seen := make(chan struct{}), make(chan struct{}, 1)
	go func() {
		defer g.Interrupt()
		defer close(asked)
		for i := range 20000 {
			g.Interrupt()
			select {
			case <-seen:
			case <-time.After(20 * time.Second):
				t.Error("an interrupt was lost:", i)
				g.Interrupt()
				return
			}
		}
	}()
	reasons := map[Reason]int{}
	for {
		g.HostPC = at
		g.Enter()
		reasons[g.Reason]++
		at = g.HostPC
		switch g.Reason {
		case ReasonAnswered:
			if g.HostPC != start+9 || g.GPR[0] != 0 {
				t.Fatalf("answered %#x at %+d", g.GPR[0], g.HostPC-start)
			}
		case ReasonInterrupted, ReasonNotEntered:
			if g.HostPC < start || g.HostPC >= start+uint64(len(code)) {
				t.Fatalf("stopped at %+d", g.HostPC-start)
			}
		default:
			t.Fatalf("reason %d signal %d at %+d", g.Reason, g.Signal, g.HostPC-start)
		}
		if g.GPR[7] != 1 || g.GPR[6] != 0x40 {
			t.Fatal("registers are lost")
		}
		select {
		case <-asked:
			t.Log(g.GPR[12], "answers;", reasons)
			if reasons[ReasonAnswered] == 0 || reasons[ReasonInterrupted] == 0 {
				t.Error("not stopped in both places")
			}
			return
		default:
		}
		if g.Interrupted() {
			seen <- struct{}{}
		}
	}
}

func BenchmarkAnswer(b *testing.B) {
	g := newTeller(b, append([]byte{0xb8, sysClockGettime, 0, 0, 0}, append(callSyscall, 0xff, 0xcd, 0x75, 0xf3, 0xff, 0x54, 0x24, OffExitStop)...)...)
	at := g.HostPC
	g.GPR[7], g.GPR[6] = 1, 0x40
	const calls = 1000
	for b.Loop() {
		g.HostPC, g.GPR[5] = at, calls
		if g.Enter(); g.Reason == ReasonStop && g.GPR[5] != 0 {
			b.Fatal(g.GPR[5])
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/calls, "ns/call")
}

// A thread that is stopped between any two instructions of timesBack, which puts the registers back, begins with that again: the guest
// finds all of them as they were.
func TestAnswersBeginAgain(t *testing.T) {
	// again: mov eax, 228; call syscall; jmp again
	code := append([]byte{0xb8, sysClockGettime, 0, 0, 0}, callSyscall...)
	code = append(code, 0xeb, 0xf5)
	g := newTeller(t, code...)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	self := unix.Gettid()
	start := g.HostPC
	r := rand.New(rand.NewPCG(7, 8))
	for i := range g.GPR {
		g.GPR[i] = r.Uint64()
	}
	g.GPR[7], g.GPR[6] = 1, 0x40
	g.Flags = 0x202 | uint64(r.Uint32())&0x8d5
	want, flags := g.GPR, g.Flags
	const enough = 3 // of its instructions; most take no time, and are hardly ever stopped at
	found := map[uint64]int{}
	stop := make(chan struct{})
	var storm sync.WaitGroup
	storm.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				kick(self)
				for range r.IntN(1000) { // or the thread would do nothing else
				}
			}
		}
	})
	end := time.Now().Add(10 * time.Second)
	for n := 0; len(found) < enough && (n%100 != 0 || time.Now().Before(end)); n++ {
		g.again = 0
		g.Enter()
		if at := g.HostPC - start; at >= uint64(len(code)) {
			t.Fatalf("reason %d signal %d at %+d", g.Reason, g.Signal, at)
		}
		for i, v := range g.GPR {
			switch {
			case v == want[i], i == 0 && v == sysClockGettime, i == 0 && v == 0, i == 11 && v == flags:
			default:
				t.Fatalf("register %d is %#x, was %#x: stopped at %+d, reason %d", i, v, want[i], g.HostPC-start, g.Reason)
			}
		}
		if g.Flags != flags {
			t.Fatalf("flags %#x, were %#x", g.Flags, flags)
		}
		if g.again != 0 {
			if g.Reason != ReasonAnswered && g.Reason != ReasonInterrupted {
				t.Fatalf("began again at %#x: reason %d", g.again, g.Reason)
			}
			found[g.again-uint64(entries.timesBack)]++
		}
	}
	close(stop)
	storm.Wait()
	t.Log("stopped at", found)
	if len(found) == 0 {
		t.Skip("it was never stopped there")
	}
}
