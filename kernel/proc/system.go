package proc

import (
	"fmt"
	"strings"
	"time"
)

// procFiles is the part of /proc that belongs to no process.
func procFiles() []file {
	files := []file{
		link("self", "self"),        // depends on who asks; inode self
		link("thread-self", "self"), // inode threadSelf
		link("mounts", "self/mounts"),
		link("net", "self/net"),
		{path: "cgroups", render: renderCgroups},
		{path: "cmdline", render: func(v *view) string { return v.CommandLine + "\n" }},
		{path: "cpuinfo", render: renderCPUInfo},
		{path: "devices", render: renderDevices},
		{path: "diskstats"},
		{path: "filesystems", render: renderFilesystems},
		{path: "interrupts", render: renderInterrupts},
		{path: "loadavg", render: renderLoadavg},
		{path: "locks"},
		{path: "meminfo", render: renderMeminfo},
		{path: "modules"},
		{path: "partitions", render: func(*view) string { return "major minor  #blocks  name\n\n" }},
		{path: "stat", render: renderSystemStat},
		{path: "swaps", render: func(*view) string { return "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n" }},
		{path: "uptime", render: renderUptime},
		{path: "version", render: renderVersion},
		{path: "vmstat", render: renderVmstat},
	}
	for _, name := range [...]string{"msg", "sem", "shm"} {
		files = append(files, file{path: "sysvipc/" + name, render: func(v *view) string { return v.src.SysvIPC(name) }})
	}
	return append(files, sysctlFiles()...)
}

func renderCgroups(*view) string {
	b := "#subsys_name\thierarchy\tnum_cgroups\tenabled\n"
	for _, c := range [...]string{"cpuset", "cpu", "memory", "pids"} {
		b += c + "\t0\t1\t1\n"
	}
	return b
}

func renderDevices(*view) string {
	return "Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n  5 /dev/ptmx\n128 ptm\n136 pts\n\nBlock devices:\n"
}

func renderFilesystems(*view) string {
	var b strings.Builder
	for _, t := range [...]string{"sysfs", "tmpfs", "proc", "cgroup2", "devtmpfs", "sockfs", "pipefs", "devpts", "overlay", "mqueue"} {
		b.WriteString("nodev\t" + t + "\n")
	}
	return b.String()
}

func renderInterrupts(v *view) string {
	b := "    "
	for i := range v.CPUs {
		b += fmt.Sprintf("       CPU%-4d", i)[:11]
	}
	return b + "\n"
}

func renderLoadavg(v *view) string {
	return fmt.Sprintf("%.2f %.2f %.2f %d/%d %d\n", v.Load[0], v.Load[1], v.Load[2], v.Running, v.Tasks, v.LastPID)
}

func centis(d time.Duration) string {
	c := max(d, 0) / (10 * time.Millisecond)
	return fmt.Sprintf("%d.%02d", c/100, c%100)
}

func renderUptime(v *view) string { return centis(v.Uptime) + " " + centis(v.Idle) + "\n" }

func renderVersion(v *view) string {
	return fmt.Sprintf("Linux version %s (root@sbx) (sbx) %s\n", v.Release, v.Version)
}

// renderSystemStat is /proc/stat. The time of all processes is spread evenly
// over the CPUs.
func renderSystemStat(v *view) string {
	var b strings.Builder
	n := time.Duration(max(v.CPUs, 1))
	line := func(name string, d time.Duration) {
		fmt.Fprintf(&b, "%s %d %d %d %d 0 0 0 0 0 0\n", name, ticks(v.User/d), ticks(v.Nice/d), ticks(v.Sys/d), ticks(v.Idle/d))
	}
	line("cpu ", 1)
	for i := range n {
		line(fmt.Sprintf("cpu%d", i), n)
	}
	fmt.Fprintf(&b, "intr 0\nctxt %d\nbtime %d\nprocesses %d\nprocs_running %d\nprocs_blocked 0\n",
		v.Switches, v.Boot.Unix(), v.Forks, max(v.Running, 1))
	b.WriteString("softirq 0 0 0 0 0 0 0 0 0 0 0\n")
	return b.String()
}

func renderVmstat(v *view) string {
	return fmt.Sprintf("nr_free_pages %d\nnr_file_pages %d\nnr_shmem %d\npgpgin 0\npgpgout 0\npswpin 0\npswpout 0\npgfault 0\npgmajfault 0\n",
		v.MemFree/pageSize, v.MemCached/pageSize, v.MemShared/pageSize)
}
