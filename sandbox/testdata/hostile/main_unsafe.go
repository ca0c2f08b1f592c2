//go:build linux && amd64

// Command hostile does harm of the kind that its argument names.
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"syscall"
	"unsafe"
)

func main() {
	debug.SetGCPercent(-1)
	switch os.Args[1] {
	case "pointer": // stores where nothing is
		dieOf(syscall.SIGSEGV)
		*(*int)(wild(0x123456)) = 1
	case "read": // the host's half of the address space
		dieOf(syscall.SIGSEGV)
		fmt.Println(*(*int)(wild(0xffff_8000_0000_0000 - 8)))
	case "jump":
		dieOf(syscall.SIGSEGV)
		jump(0x7000_0000)
	case "data": // code that is not executable
		dieOf(syscall.SIGSEGV)
		code := []byte{0xc3}
		jump(uintptr(unsafe.Pointer(&code[0])))
	case "junk": // instructions that there are none of
		dieOf(syscall.SIGILL)
		p, err := syscall.Mmap(-1, 0, 4096, syscall.PROT_READ|syscall.PROT_WRITE|syscall.PROT_EXEC, syscall.MAP_PRIVATE|syscall.MAP_ANON)
		if err != nil {
			panic(err)
		}
		copy(p, []byte{0x0f, 0x0b})
		jump(uintptr(unsafe.Pointer(&p[0])))
	case "loop": // on every processor, deaf to all signals
		deaf()
		fmt.Println("on")
		for range 8 {
			go func() {
				for {
				}
			}()
		}
		for {
		}
	case "forks": // each of which forks
		fmt.Println("on")
		for {
			syscall.RawSyscall(syscall.SYS_FORK, 0, 0, 0)
		}
	case "threads":
		for i := range 1 << 20 {
			go func() {
				runtime.LockOSThread()
				syscall.Pause()
			}()
			if i == 4 {
				fmt.Println("on")
			}
		}
		select {}
	case "memory":
		for {
			p := make([]byte, 8<<20)
			for i := 0; i < len(p); i += 4096 {
				p[i] = 1
			}
			keep = append(keep, p)
		}
	case "reserved": // memory that nothing was set aside for
		for {
			const big, noreserve = 1 << 29, 0x4000
			p, err := syscall.Mmap(-1, 0, big, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON|noreserve)
			if err != nil {
				os.Exit(3)
			}
			for i := 0; i < len(p); i += 4096 {
				p[i] = 1
			}
		}
	case "files":
		for i := range 1 << 20 {
			if _, err := os.Open("/"); err != nil {
				fmt.Println(i > 100, err)
				return
			}
		}
	}
}

var keep [][]byte

func wild(p uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&p)) }

// jump calls what is at an address.
func jump(p uintptr) {
	at := unsafe.Pointer(&p)
	(*(*func())(unsafe.Pointer(&at)))()
}

// dieOf takes Go's handler of a signal away.
func dieOf(s syscall.Signal) { act(s, 0) }

// deaf ignores what can be ignored, and blocks it too.
func deaf() {
	for s := syscall.Signal(1); s < 65; s++ {
		if s != syscall.SIGURG {
			act(s, 1)
		}
	}
}

// act is rt_sigaction(2) for SIG_DFL and SIG_IGN.
func act(s syscall.Signal, handler uintptr) {
	a := [4]uintptr{handler}
	syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(s), uintptr(unsafe.Pointer(&a)), 0, 8, 0, 0)
}
