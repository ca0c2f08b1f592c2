//go:build amd64 || arm64

package kernel

import (
	"fmt"
	"math/rand"
	"runtime"
	"syscall"
	"testing"
	"unsafe"

	"github.com/sbxrun/sbx/abi/linux"
)

// hostThread does calls that change the credentials of one host thread, which
// ends with it: Go's own wrappers would change all threads.
type hostThread struct{}

func (hostThread) call(nr uintptr, args ...uint32) error {
	var a [3]uintptr
	for i, v := range args {
		a[i] = uintptr(v)
	}
	_, _, e := syscall.RawSyscall(nr, a[0], a[1], a[2])
	if e != 0 {
		return linux.Errno(e)
	}
	return nil
}

// state returns the ids and the capabilities, as text.
func (h hostThread) state() string {
	var r, e, s, rg, eg, sg uint32
	syscall.RawSyscall(syscall.SYS_GETRESUID, uintptr(unsafe.Pointer(&r)), uintptr(unsafe.Pointer(&e)), uintptr(unsafe.Pointer(&s)))
	syscall.RawSyscall(syscall.SYS_GETRESGID, uintptr(unsafe.Pointer(&rg)), uintptr(unsafe.Pointer(&eg)), uintptr(unsafe.Pointer(&sg)))
	fsu, _, _ := syscall.RawSyscall(syscall.SYS_SETFSUID, ^uintptr(0), 0, 0)
	fsg, _, _ := syscall.RawSyscall(syscall.SYS_SETFSGID, ^uintptr(0), 0, 0)
	eff, prm := h.caps()
	return credText(r, e, s, uint32(fsu), rg, eg, sg, uint32(fsg), eff, prm)
}

func (hostThread) caps() (eff, prm uint64) {
	hdr := struct{ version, pid uint32 }{0x20080522, 0}
	var data [2]struct{ eff, prm, inh uint32 }
	syscall.RawSyscall(syscall.SYS_CAPGET, uintptr(unsafe.Pointer(&hdr)), uintptr(unsafe.Pointer(&data)), 0)
	return uint64(data[0].eff) | uint64(data[1].eff)<<32, uint64(data[0].prm) | uint64(data[1].prm)<<32
}

func credText(r, e, s, f, rg, eg, sg, fg uint32, eff, prm uint64) string {
	return fmt.Sprintf("uid %d %d %d %d gid %d %d %d %d eff %x prm %x", r, e, s, f, rg, eg, sg, fg, eff, prm)
}

// TestCredentialsLikeTheHost does the same random changes here and on a thread of
// the host, and compares results and credentials after each.
func TestCredentialsLikeTheHost(t *testing.T) {
	steps := 0
	for seed := range int64(40) {
		done := make(chan int)
		go func() {
			runtime.LockOSThread() // and never unlocked: the thread dies with the goroutine
			defer close(done)
			var h hostThread
			eff, prm := h.caps()
			if syscall.Getuid() == 0 && eff == prm && eff>>linux.CAP_SETUID&1 != 0 && eff>>linux.CAP_SETGID&1 != 0 {
				done <- compareCreds(t, h, eff, seed)
			}
		}()
		n, root := <-done
		if !root {
			t.Skip("the host's user is not root with CAP_SETUID and CAP_SETGID")
		}
		steps += n
	}
	t.Log("calls compared:", steps)
}

func compareCreds(t *testing.T, h hostThread, caps uint64, seed int64) (steps int) {
	k := &Kernel{}
	rnd := rand.New(rand.NewSource(seed))
	ids := []uint32{0, 0, 1, 2, 3, noID}
	pick := func() uint32 { return ids[rnd.Intn(len(ids))] }
	g := &Task{k: k, proc: &Process{k: k}}
	full := RootCredentials()
	full.Permitted, full.Effective = caps, caps
	g.setCred(full)
	for i := range 3000 {
		a, b, c := pick(), pick(), pick()
		name, err, hostErr := "", error(nil), error(nil)
		switch rnd.Intn(8) {
		case 0:
			name, err, hostErr = fmt.Sprint("setuid ", a), g.Setuid(a), h.call(syscall.SYS_SETUID, a)
		case 1:
			name, err, hostErr = fmt.Sprint("setgid ", a), g.Setgid(a), h.call(syscall.SYS_SETGID, a)
		case 2:
			name, err, hostErr = fmt.Sprint("setreuid ", a, b), g.Setreuid(a, b), h.call(syscall.SYS_SETREUID, a, b)
		case 3:
			name, err, hostErr = fmt.Sprint("setregid ", a, b), g.Setregid(a, b), h.call(syscall.SYS_SETREGID, a, b)
		case 4:
			name, err, hostErr = fmt.Sprint("setresuid ", a, b, c), g.Setresuid(a, b, c), h.call(syscall.SYS_SETRESUID, a, b, c)
		case 5:
			name, err, hostErr = fmt.Sprint("setresgid ", a, b, c), g.Setresgid(a, b, c), h.call(syscall.SYS_SETRESGID, a, b, c)
		case 6:
			name = fmt.Sprint("setfsuid ", a)
			g.Setfsuid(a)
			h.call(syscall.SYS_SETFSUID, a)
		case 7:
			name = fmt.Sprint("setfsgid ", a)
			g.Setfsgid(a)
			h.call(syscall.SYS_SETFSGID, a)
		}
		cr := g.Credentials()
		here := credText(cr.UID, cr.EUID, cr.SUID, cr.FSUID, cr.GID, cr.EGID, cr.SGID, cr.FSGID, cr.Effective, cr.Permitted)
		if host := h.state(); err != hostErr || here != host {
			t.Errorf("%d %s: here %v %s\nhost %v %s", i, name, err, here, hostErr, host)
			return i
		}
		if cr.UID != 0 && cr.EUID != 0 && cr.SUID != 0 && cr.Permitted == 0 && rnd.Intn(10) == 0 {
			return i // nothing can change much any more
		}
	}
	return 3000
}
