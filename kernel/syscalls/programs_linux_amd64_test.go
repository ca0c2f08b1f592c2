package syscalls_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// Programs that tell what they see: on Linux and here, the same.

func TestStart(t *testing.T) { compare(t, "start", "one", "", "th ree") }
func TestMem(t *testing.T)   { compare(t, "mem") }

func TestSignals(t *testing.T)  { compare(t, "signals") }
func TestThreads(t *testing.T)  { compare(t, "threads") }
func TestProcs(t *testing.T)    { compare(t, "procs") }
func TestState(t *testing.T)    { compare(t, "state") }
func TestBadPtr(t *testing.T)   { compare(t, "badptr") }
func TestShm(t *testing.T)      { compare(t, "shm") }
func TestFileMaps(t *testing.T) { compare(t, "filemap") }

// TestCPULimit uses up its CPU time.
func TestCPULimit(t *testing.T) { compare(t, "cpulimit") }

// TestStackLimit goes down to the end of the stack.
func TestStackLimit(t *testing.T) { compare(t, "stacklimit") }

// TestProcessor asks about the processor in two ways.
func TestProcessor(t *testing.T) { compare(t, "cpuid") }

// TestTwoMaps executes code that is written elsewhere.
func TestTwoMaps(t *testing.T) { compare(t, "twomaps") }

// TestClocks asks for the time in the ways that an executor answers by itself, and in those that it does not.
func TestClocks(t *testing.T) { compare(t, "clocks") }

func TestZeroMaps(t *testing.T) { compare(t, "devzero") }
func TestPages(t *testing.T)    { compare(t, "hostile", "pages") }

func TestSysVIPC(t *testing.T) { compare(t, "sysvipc") }

func TestMqueue(t *testing.T) { compare(t, "mqueue") }

func TestMqueueFiles(t *testing.T) {
	if strings.HasPrefix(native(t, build(t, "mqueue"), "files").out, "no") {
		t.Skip("the filesystem of queues is not mounted on this host")
	}
	compare(t, "mqueue", "files")
}

func TestSplice(t *testing.T) { compare(t, "splice") }

func TestScheduling(t *testing.T)  { compare(t, "sched", "scheduling") }
func TestProcessors(t *testing.T)  { compare(t, "sched", "cpus") }
func TestNodes(t *testing.T)       { compare(t, "sched", "nodes") }
func TestPeers(t *testing.T)       { compare(t, "sched", "peers") }
func TestOldGetdents(t *testing.T) { compare(t, "sched", "directories") }
func TestRemaps(t *testing.T)      { compare(t, "sched", "remaps") }

func TestSeccompRefusals(t *testing.T) { compare(t, "seccomp", "refusals") }
func TestSeccompActions(t *testing.T)  { compare(t, "seccomp", "do") }
func TestSeccompFilters(t *testing.T)  { compare(t, "seccomp", "filters") }
func TestTitle(t *testing.T)           { compare(t, "title", "one", "two words") }
func TestCPUClocks(t *testing.T)       { compare(t, "cpuclock") }
func TestPty(t *testing.T)             { compare(t, "pty") }

// TestTitleOutside looks from outside at a program that has renamed itself.
func TestTitleOutside(t *testing.T) {
	w := newWorld(t)
	var out bytes.Buffer
	p := w.start(&out, w.copyIn(build(t, "title")), "stay")
	title := func() []string {
		for _, i := range w.k.Processes() {
			if i.PID == p.PID() {
				return i.Argv
			}
		}
		return nil
	}
	for range 2000 {
		if slices.Equal(title(), []string{"new"}) {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if got := title(); !slices.Equal(got, []string{"new"}) {
		t.Errorf("%q", got)
	}
	p.Signal(linux.SIGTERM)
	w.wait(p, &out)
}

func TestSigioPipes(t *testing.T)   { compare(t, "sigio", "pipes") }
func TestSigioSockets(t *testing.T) { compare(t, "sigio", "sockets") }
func TestSigioTTYs(t *testing.T)    { compare(t, "sigio", "ttys") }
func TestSigioOthers(t *testing.T)  { compare(t, "sigio", "others") }

func TestAIO(t *testing.T) { compare(t, "aio") }

func TestRefused(t *testing.T) { compare(t, "refused") }

func TestArgumentSizes(t *testing.T) { compare(t, "argsize") }

func TestParentsEnd(t *testing.T) { compare(t, "pdeath") }
