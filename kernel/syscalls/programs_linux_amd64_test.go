package syscalls_test

import "testing"

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
func TestPages(t *testing.T)    { compare(t, "hostile", "pages") }
