package proc

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// NewCgroup makes the cgroup v2 hierarchy that a container sees as its root, to
// be mounted at /sys/fs/cgroup: the sandbox's limits and use, read-only.
func NewCgroup(dev uint64, src Source) vfs.Super {
	f := newStatic("cgroup2", linux.CGROUP2_SUPER_MAGIC, dev, src, cgroupFiles)
	return &f
}

func cgroupFiles() []file {
	files := []file{
		{path: "cgroup.procs", render: func(v *view) string { return idLines(v.src.PIDs()) }},
		{path: "cgroup.threads", render: renderThreads},
		{path: "cpu.max", render: renderCPUMax},
		{path: "cpu.stat", render: renderCPUStat},
		{path: "memory.max", render: func(v *view) string { return orMax(v.MemLimit) }},
		{path: "memory.current", render: func(v *view) string { return fmt.Sprintln(used(v)) }},
		{path: "memory.peak", render: func(v *view) string { return fmt.Sprintln(max(v.MemPeak, used(v))) }},
		{path: "memory.stat", render: renderMemoryStat},
		{path: "memory.events", render: renderMemoryEvents}, {path: "memory.events.local", render: renderMemoryEvents},
		{path: "pids.max", render: func(v *view) string { return orMax(int64(v.TasksLimit)) }},
		{path: "pids.current", render: func(v *view) string { return fmt.Sprintln(v.Tasks) }},
		{path: "pids.peak", render: func(v *view) string { return fmt.Sprintln(v.Tasks) }},
		{path: "cpuset.cpus"}, {path: "cpuset.mems"},
		cpuRange("cpuset.cpus.effective"),
	}
	return append(files, texts("",
		"cgroup.controllers", "cpuset cpu memory pids", "cgroup.subtree_control", "", "cgroup.type", "domain",
		"cgroup.events", "populated 1\nfrozen 0", "cgroup.freeze", "0", "cgroup.max.depth", "max",
		"cgroup.max.descendants", "max", "cgroup.stat", "nr_descendants 0\nnr_dying_descendants 0",
		"cpu.weight", "100", "cpu.weight.nice", "0", "cpu.idle", "0", "cpu.max.burst", "0", "cpuset.mems.effective", "0",
		"memory.high", "max", "memory.low", "0", "memory.min", "0", "memory.oom.group", "0",
		"memory.swap.current", "0", "memory.swap.high", "max", "memory.swap.max", "0", "memory.swap.events", "high 0\nmax 0\nfail 0",
		"pids.events", "max 0")...)
}

func renderMemoryEvents(v *view) string {
	return fmt.Sprintf("low 0\nhigh 0\nmax %d\noom %[1]d\noom_kill %[1]d\noom_group_kill 0\n", v.OOMKills)
}

func idLines(ids []int) string {
	var b strings.Builder
	for _, id := range ids {
		b.WriteString(strconv.Itoa(id) + "\n")
	}
	return b.String()
}

func renderThreads(v *view) string {
	var b strings.Builder
	for _, pid := range v.src.PIDs() {
		if t, ok := v.src.Task(pid); ok {
			b.WriteString(idLines(t.Threads()))
		}
	}
	return b.String()
}

// orMax shows a limit; 0 is none.
func orMax(n int64) string {
	if n <= 0 {
		return "max\n"
	}
	return strconv.FormatInt(n, 10) + "\n"
}

func used(v *view) int64 { return max(v.MemTotal-v.MemFree, 0) }

// renderCPUMax is quota and period in microseconds.
func renderCPUMax(v *view) string {
	const period = 100000
	if v.CPULimit <= 0 {
		return fmt.Sprintf("max %d\n", period)
	}
	return fmt.Sprintf("%d %d\n", int64(v.CPULimit*period), period)
}

func renderCPUStat(v *view) string {
	us := func(d time.Duration) int64 { return d.Microseconds() }
	return fmt.Sprintf("usage_usec %d\nuser_usec %d\nsystem_usec %d\nnice_usec %d\ncore_sched.force_idle_usec 0\n"+
		"nr_periods %d\nnr_throttled %d\nthrottled_usec %d\nnr_bursts 0\nburst_usec 0\n",
		us(v.User+v.Nice+v.Sys), us(v.User+v.Nice), us(v.Sys), us(v.Nice), v.CPUPeriods, v.CPUThrottled, us(v.CPUThrottledTime))
}

func renderMemoryStat(v *view) string {
	return fmt.Sprintf("anon %d\nfile %d\nkernel 0\nkernel_stack 0\npagetables 0\nsock 0\nshmem %d\nfile_mapped 0\nfile_dirty 0\n"+
		"file_writeback 0\ninactive_anon 0\nactive_anon %d\ninactive_file %d\nactive_file 0\nunevictable 0\n"+
		"slab_reclaimable 0\nslab_unreclaimable 0\nslab 0\npgfault 0\npgmajfault 0\n",
		max(used(v)-v.MemCached, 0), v.MemCached, v.MemShared, max(used(v)-v.MemCached, 0), v.MemCached)
}
