package syscalls_test

import (
	"strings"
	"testing"
)

// Programs that tell what they see: on Linux and here, the same.

func TestStart(t *testing.T) { compare(t, "start", "one", "", "th ree") }
func TestMem(t *testing.T)   { compare(t, "mem") }

func TestSignals(t *testing.T) { compare(t, "signals") }
func TestThreads(t *testing.T) { compare(t, "threads") }
func TestProcs(t *testing.T)   { compare(t, "procs") }
func TestState(t *testing.T)   { compare(t, "state") }
func TestBadPtr(t *testing.T)  { compare(t, "badptr") }
func TestShm(t *testing.T)     { compare(t, "shm") }
func TestPages(t *testing.T)   { compare(t, "hostile", "pages") }

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

func TestSigioPipes(t *testing.T)   { compare(t, "sigio", "pipes") }
func TestSigioSockets(t *testing.T) { compare(t, "sigio", "sockets") }
func TestSigioTTYs(t *testing.T)    { compare(t, "sigio", "ttys") }
func TestSigioOthers(t *testing.T)  { compare(t, "sigio", "others") }

func TestAIO(t *testing.T) { compare(t, "aio") }

func TestRefused(t *testing.T) { compare(t, "refused") }

func TestParentsEnd(t *testing.T) { compare(t, "pdeath") }
