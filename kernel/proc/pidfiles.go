package proc

import (
	"fmt"
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
)

func renderCmdline(v *pidView) (string, error) { return string(v.Cmdline()), nil }
func renderEnviron(v *pidView) (string, error) { return string(v.Environ()), nil }
func renderComm(v *pidView) (string, error)    { return v.st.Comm + "\n", nil }
func renderOOM(v *pidView) (string, error)     { return fmt.Sprintln(v.st.OOMScoreAdj), nil }

func renderLoginUID(v *pidView) (string, error) { return fmt.Sprint(v.st.LoginUID), nil }

// renderOOMOld scales the adjustment to the -17..15 of the old file.
func renderOOMOld(v *pidView) (string, error) {
	adj := v.st.OOMScoreAdj * 17 / 1000
	if v.st.OOMScoreAdj == 1000 {
		adj = 15
	}
	return fmt.Sprintln(adj), nil
}

func renderFDInfo(v *pidView) (string, error) {
	d, err := v.FD(v.ref.arg)
	if err != nil {
		return "", linux.ENOENT
	}
	return fmt.Sprintf("pos:\t%d\nflags:\t0%o\nmnt_id:\t%d\nino:\t%d\n%s", d.Pos, d.Flags, d.MntID, d.Ino, d.Extra), nil
}

func renderIO(v *pidView) (string, error) {
	s := &v.st
	return fmt.Sprintf("rchar: %d\nwchar: %d\nsyscr: %d\nsyscw: %d\nread_bytes: %d\nwrite_bytes: %d\ncancelled_write_bytes: 0\n",
		s.ReadChars, s.WriteChars, s.ReadCalls, s.WriteCalls, s.ReadBytes, s.WriteBytes), nil
}

func renderSchedstat(v *pidView) (string, error) {
	return fmt.Sprintf("%d 0 %d\n", int64(v.st.UTime+v.st.STime), v.st.Voluntary+v.st.Involuntary), nil
}

var limitNames = [linux.RLIM_NLIMITS]struct{ name, unit string }{
	linux.RLIMIT_CPU:        {"Max cpu time", "seconds"},
	linux.RLIMIT_FSIZE:      {"Max file size", "bytes"},
	linux.RLIMIT_DATA:       {"Max data size", "bytes"},
	linux.RLIMIT_STACK:      {"Max stack size", "bytes"},
	linux.RLIMIT_CORE:       {"Max core file size", "bytes"},
	linux.RLIMIT_RSS:        {"Max resident set", "bytes"},
	linux.RLIMIT_NPROC:      {"Max processes", "processes"},
	linux.RLIMIT_NOFILE:     {"Max open files", "files"},
	linux.RLIMIT_MEMLOCK:    {"Max locked memory", "bytes"},
	linux.RLIMIT_AS:         {"Max address space", "bytes"},
	linux.RLIMIT_LOCKS:      {"Max file locks", "locks"},
	linux.RLIMIT_SIGPENDING: {"Max pending signals", "signals"},
	linux.RLIMIT_MSGQUEUE:   {"Max msgqueue size", "bytes"},
	linux.RLIMIT_NICE:       {"Max nice priority", ""},
	linux.RLIMIT_RTPRIO:     {"Max realtime priority", ""},
	linux.RLIMIT_RTTIME:     {"Max realtime timeout", "us"},
}

// renderLimits is /proc/PID/limits.
func renderLimits(v *pidView) (string, error) {
	var b strings.Builder
	b.WriteString("Limit                     Soft Limit           Hard Limit           Units     \n")
	for i, l := range v.Limits() {
		n := limitNames[i]
		fmt.Fprintf(&b, "%-25s %-20s %-20s %-10s\n", n.name, limit(l.Cur), limit(l.Max), n.unit)
	}
	return b.String(), nil
}

func limit(n uint64) string {
	if n == linux.RLIM_INFINITY {
		return "unlimited"
	}
	return fmt.Sprint(n)
}

// flag is a letter of the permissions of a mapping.
func flag(on bool, c byte) byte {
	if on {
		return c
	}
	return '-'
}

func (m *Mapping) String() string {
	share := byte('p')
	if m.Shared {
		share = 's'
	}
	s := fmt.Sprintf("%08x-%08x %c%c%c%c %08x %02x:%02x %d ", m.Start, m.End, flag(m.Read, 'r'), flag(m.Write, 'w'),
		flag(m.Exec, 'x'), share, m.Offset, linux.Major(m.Dev), linux.Minor(m.Dev), m.Ino)
	if m.Path != "" {
		s = fmt.Sprintf("%-72s %s", s, strings.ReplaceAll(m.Path, "\n", "\\012"))
	}
	return s + "\n"
}

// renderMaps is /proc/PID/maps.
func renderMaps(v *pidView) (string, error) {
	var b strings.Builder
	for _, m := range v.Maps() {
		b.WriteString(m.String())
	}
	return b.String(), nil
}

// renderSmaps is /proc/PID/smaps, with every page counted as present and private.
func renderSmaps(v *pidView) (string, error) {
	var b strings.Builder
	for _, m := range v.Maps() {
		b.WriteString(m.String())
		size := (m.End - m.Start) / 1024
		kb := func(name string, n uint64) { fmt.Fprintf(&b, "%-15s %8d kB\n", name+":", n) }
		kb("Size", size)
		kb("KernelPageSize", pageSize/1024)
		kb("MMUPageSize", pageSize/1024)
		kb("Rss", size)
		kb("Pss", size)
		for _, name := range [...]string{"Pss_Dirty", "Shared_Clean", "Shared_Dirty", "Private_Clean"} {
			kb(name, 0)
		}
		kb("Private_Dirty", size)
		for _, name := range [...]string{"Referenced", "Anonymous", "Swap", "SwapPss", "Locked"} {
			kb(name, 0)
		}
		b.WriteString("THPeligible:           0\n")
	}
	return b.String(), nil
}
