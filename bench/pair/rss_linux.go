package main

import (
	"os"
	"syscall"
)

// maxRSS returns the peak resident set of a finished process, in bytes (getrusage(2): ru_maxrss is in KiB).
func maxRSS(p *os.ProcessState) float64 {
	if u, ok := p.SysUsage().(*syscall.Rusage); ok {
		return float64(u.Maxrss) * 1024
	}
	return 0
}
