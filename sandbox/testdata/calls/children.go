//go:build linux && amd64

package main

import (
	"os/exec"
	"syscall"
)

// children waits for children and looks at their limits.
func children() {
	cmd := exec.Command("/proc/self/exe", "wait")
	in, err := cmd.StdinPipe()
	if err != nil {
		panic(err)
	}
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	pid := uintptr(cmd.Process.Pid)
	old := make([]byte, 16)
	show("prlimit", call(302, pid, 7, ptr(u64(33, 44)), 0), call(302, pid, 7, 0, ptr(old)), le.Uint64(old), le.Uint64(old[8:]), call(302, pid, 7, ptr(u64(45, 44)), 0),
		call(302, pid, 99, 0, 0), call(302, 999999, 7, 0, 0), call(302, pid, 7, 8, 0), call(302, 0, 7, 0, 0))
	info := make([]byte, 128)
	const exited, nohang, nowait, clone, all, thread = 4, 1, 0x1000000, 0x80000000, 0x40000000, 0x20000000
	show("waitid", call(247, 1, pid, ptr(info), exited|nohang, 0), le.Uint32(info), call(247, 1, pid, ptr(info), exited|nohang|clone, 0), call(247, 1, pid, 0, exited|nohang|clone|all, 0))
	in.Close()
	show("waitid", call(247, 1, pid, ptr(info), exited|nowait, 0), le.Uint32(info), le.Uint32(info[8:]), le.Uint32(info[16:]) == uint32(pid), call(247, 1, pid, 0, exited|nowait, 8))
	show("wait4", call(61, pid, 0, thread|nohang, 0) >= 0, call(61, pid, 0, 4, 0), call(61, pid, 0, clone|nohang, 0))
	cmd.Wait()
	show("waited", call(61, pid, 0, 0, 0), call(247, 1, pid, 0, exited, 0))

	// One that sends nothing at its end.
	c, _, _ := syscall.RawSyscall6(56, 0x4000, 0, 0, 0, 0, 0)
	if c == 0 {
		syscall.RawSyscall(231, 3, 0, 0)
	}
	show("clone", call(61, c, 0, 0, 0), call(247, 1, c, ptr(info), exited, 0), call(247, 1, c, ptr(info), exited|clone, 0), le.Uint32(info[24:]))
}
