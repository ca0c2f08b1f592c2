package kernel

import (
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// watchCPULocked has the kernel look at the process's CPU time when RLIMIT_CPU says, as
// setrlimit(2) has it. A limit of 0 seconds counts as one.
func (p *Process) watchCPULocked() {
	soft := p.limits.get(linux.RLIMIT_CPU).Cur
	if p.cpuLimit == nil {
		if soft == linux.RLIM_INFINITY {
			return
		}
		p.cpuLimit = &guestTimer{k: p.k, now: p.cpuLocked, cpu: true, fire: func(uint64) { p.overCPULocked() }}
	}
	p.cpuLimit.setLocked(soft <= maxSeconds, seconds(soft), 0)
}

const maxSeconds = uint64(1<<63-1) / uint64(time.Second)

func seconds(n uint64) time.Duration { return time.Duration(min(max(n, 1), maxSeconds)) * time.Second }

// overCPULocked is called when the CPU time has met the soft limit: SIGXCPU, again after each second more, and
// SIGKILL at the hard limit.
func (p *Process) overCPULocked() {
	if p.zombie {
		return
	}
	l := p.limits.get(linux.RLIMIT_CPU)
	if l.Max <= maxSeconds && p.cpuLocked() >= seconds(l.Max) {
		p.sendLocked(nil, SigInfo{Signo: linux.SIGKILL, Code: SI_KERNEL}, false)
		return
	}
	p.sendLocked(nil, SigInfo{Signo: linux.SIGXCPU, Code: SI_KERNEL}, false)
	p.limits.nextCPU(l.Cur)
	p.watchCPULocked()
}

// nextCPU moves the soft limit on by a second, if nobody else has changed it.
func (r *rlimits) nextCPU(was uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if l := &r.l[linux.RLIMIT_CPU]; l.Cur == was {
		l.Cur = max(was, 1) + 1
	}
}
