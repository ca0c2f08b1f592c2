package proc

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

const (
	pageSize = 4096
	// ticksPerSecond is USER_HZ, sysconf(_SC_CLK_TCK).
	ticksPerSecond = 100
)

func ticks(d time.Duration) int64 { return int64(d / (time.Second / ticksPerSecond)) }

// oldDev is the form of device numbers in stat: 12 bits of major in the middle.
func oldDev(dev uint64) uint64 {
	major, minor := uint64(linux.Major(dev)), uint64(linux.Minor(dev))
	return minor&0xff | major<<8 | (minor&^0xff)<<12
}

// renderStat is /proc/PID/stat, proc_pid_stat(5).
func renderStat(v *pidView) (string, error) {
	s := &v.st
	limits := v.Limits()
	pgrp := s.TTYPgrp
	if s.TTY == 0 {
		pgrp = -1
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d (%s) %c %d %d %d %d %d 4194304", v.ref.id, s.Comm, s.State, s.PPID, s.PGID, s.SID, oldDev(s.TTY), pgrp)
	fmt.Fprintf(&b, " %d 0 %d 0", s.MinFaults, s.MajFaults)
	fmt.Fprintf(&b, " %d %d %d %d", ticks(s.UTime), ticks(s.STime), ticks(s.CUTime), ticks(s.CSTime))
	fmt.Fprintf(&b, " %d %d %d 0 %d", 20+s.Nice, s.Nice, s.Threads, ticks(s.Start))
	fmt.Fprintf(&b, " %d %d %d", s.VmSize, s.VmRSS/pageSize, limits[linux.RLIMIT_RSS].Cur)
	const none = " 0 0 0 0 0" // code, stack and registers are not shown
	fmt.Fprintf(&b, "%s %d %d %d %d", none, low31(s.SigPending), low31(s.SigBlocked), low31(s.SigIgnored), low31(s.SigCaught))
	fmt.Fprintf(&b, " 0 0 0 %d 0 0 0 0 0 0", linux.SIGCHLD)
	fmt.Fprintf(&b, " 0 0 0 0 0 0 0 %d\n", uint32(s.ExitCode))
	return b.String(), nil
}

// low31 is how stat shows signal sets: the real-time ones do not fit.
func low31(m linux.SigSet) uint64 { return uint64(m) & 0x7fffffff }

// renderStatm is /proc/PID/statm, in pages.
func renderStatm(v *pidView) (string, error) {
	size, rss := v.st.VmSize/pageSize, v.st.VmRSS/pageSize
	return fmt.Sprintf("%d %d 0 0 0 %d 0\n", size, rss, size), nil
}

var stateNames = map[byte]string{
	'R': "running", 'S': "sleeping", 'D': "disk sleep", 'T': "stopped", 't': "tracing stop",
	'X': "dead", 'Z': "zombie", 'I': "idle", 'P': "parked",
}

// renderStatus is /proc/PID/status, proc_pid_status(5).
func renderStatus(v *pidView) (string, error) {
	s := &v.st
	var b strings.Builder
	line := func(name, format string, args ...any) { fmt.Fprintf(&b, name+":\t"+format+"\n", args...) }
	line("Name", "%s", escapeComm(s.Comm))
	line("Umask", "%04o", s.Umask)
	line("State", "%c (%s)", s.State, stateNames[s.State])
	line("Tgid", "%d", s.TGID)
	line("Ngid", "0")
	line("Pid", "%d", v.ref.id)
	line("PPid", "%d", s.PPID)
	line("TracerPid", "0")
	line("Uid", "%d\t%d\t%d\t%d", s.UID[0], s.UID[1], s.UID[2], s.UID[3])
	line("Gid", "%d\t%d\t%d\t%d", s.GID[0], s.GID[1], s.GID[2], s.GID[3])
	line("FDSize", "%d", s.FDSize)
	line("Groups", "%s ", groups(s.Groups))
	line("NStgid", "%d", s.TGID)
	line("NSpid", "%d", v.ref.id)
	line("NSpgid", "%d", s.PGID)
	line("NSsid", "%d", s.SID)
	line("Kthread", "0")
	if s.State != 'Z' && s.State != 'X' {
		statusMemory(&b, s)
	}
	line("Threads", "%d", s.Threads)
	line("SigQ", "%d/%d", s.SigQueued, s.SigQueueLimit)
	statusMasks(&b, s)
	line("NoNewPrivs", "%d", bit(s.NoNewPrivs))
	line("Seccomp", "%d", s.Seccomp)
	line("Seccomp_filters", "%d", s.SeccompFilters)
	line("Speculation_Store_Bypass", "not vulnerable")
	line("SpeculationIndirectBranch", "not affected")
	cpus := s.CPUs
	if cpus == 0 {
		cpus = ^uint64(0) >> (64 - min(max(v.src.System().CPUs, 1), 64))
	}
	line("Cpus_allowed", "%s", maskWords(cpus))
	line("Cpus_allowed_list", "%s", maskList(cpus))
	line("Mems_allowed", "1")
	line("Mems_allowed_list", "0")
	line("voluntary_ctxt_switches", "%d", s.Voluntary)
	line("nonvoluntary_ctxt_switches", "%d", s.Involuntary)
	return b.String(), nil
}

func statusMemory(b *strings.Builder, s *Status) {
	kb := func(name string, bytes int64) { fmt.Fprintf(b, "%s:\t%8d kB\n", name, bytes/1024) }
	kb("VmPeak", s.VmSize)
	kb("VmSize", s.VmSize)
	kb("VmLck", 0)
	kb("VmPin", 0)
	kb("VmHWM", s.VmRSS)
	kb("VmRSS", s.VmRSS)
	kb("RssAnon", s.VmRSS)
	for _, name := range [...]string{"RssFile", "RssShmem"} {
		kb(name, 0)
	}
	kb("VmData", s.VmSize)
	for _, name := range [...]string{"VmStk", "VmExe", "VmLib", "VmPTE", "VmSwap", "HugetlbPages"} {
		kb(name, 0)
	}
	b.WriteString("CoreDumping:\t0\nTHP_enabled:\t0\nuntag_mask:\t0xffffffffffffffff\n")
}

func statusMasks(b *strings.Builder, s *Status) {
	for _, m := range [...]struct {
		name string
		set  uint64
	}{
		{"SigPnd", uint64(s.SigPending)}, {"ShdPnd", uint64(s.ShdPending)}, {"SigBlk", uint64(s.SigBlocked)},
		{"SigIgn", uint64(s.SigIgnored)}, {"SigCgt", uint64(s.SigCaught)},
		{"CapInh", s.CapInh}, {"CapPrm", s.CapPrm}, {"CapEff", s.CapEff}, {"CapBnd", s.CapBnd}, {"CapAmb", s.CapAmb},
	} {
		fmt.Fprintf(b, "%s:\t%016x\n", m.name, m.set)
	}
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func groups(gs []uint32) string {
	out := make([]string, len(gs))
	for i, g := range gs {
		out[i] = strconv.FormatUint(uint64(g), 10)
	}
	return strings.Join(out, " ")
}

// escapeComm keeps a name on one line.
func escapeComm(s string) string {
	return strings.NewReplacer("\\", "\\\\", "\n", "\\n").Replace(s)
}

// maskWords is a set of CPUs in words of 32 bits, maskList in ranges.
func maskWords(set uint64) string {
	if set>>32 != 0 {
		return fmt.Sprintf("%x,%08x", set>>32, uint32(set))
	}
	return fmt.Sprintf("%x", set)
}

func maskList(set uint64) string {
	var parts []string
	for at := 0; set>>at != 0; {
		first := at + bits.TrailingZeros64(set>>at)
		last := first + bits.TrailingZeros64(^(set >> first)) - 1
		if part := strconv.Itoa(first); last == first {
			parts = append(parts, part)
		} else {
			parts = append(parts, part+"-"+strconv.Itoa(last))
		}
		at = last + 1
	}
	return strings.Join(parts, ",")
}

// cpuMask is n CPUs as a mask in words of 32 bits.
func cpuMask(n int) string {
	n = max(n, 1)
	var words []string
	for ; n > 0; n -= 32 {
		words = append([]string{fmt.Sprintf("%x", uint64(1)<<min(n, 32)-1)}, words...)
	}
	for i := 1; i < len(words); i++ {
		words[i] = fmt.Sprintf("%08s", words[i])
	}
	return strings.Join(words, ",")
}

// cpuList is n CPUs as a list of ranges.
func cpuList(n int) string {
	if n <= 1 {
		return "0"
	}
	return "0-" + strconv.Itoa(n-1)
}
