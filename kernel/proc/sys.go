package proc

import (
	"fmt"
	"strconv"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// NewSys makes /sys over the kernel; dev is its device number. Its fs/cgroup is
// an empty directory to mount what NewCgroup makes on.
func NewSys(dev uint64, src Source) vfs.Super {
	f := newStatic("sysfs", linux.SYSFS_MAGIC, dev, src, func() []file { return sysFiles(src.System().CPUs) })
	return &f
}

// cpuRange shows all CPUs.
func cpuRange(path string) file {
	return file{path: path, render: func(v *view) string { return cpuList(v.CPUs) + "\n" }}
}

func dir(path string) file { return file{path: path + "/"} }

func sysFiles(cpus int) []file {
	c := "devices/system/cpu/"
	files := []file{
		dir("block"), dir("bus"), dir("dev/block"), dir("dev/char"), dir("firmware"), dir("fs/cgroup"), dir("module"), dir("power"),
		dir("class/block"), dir("class/tty"),
		cpuRange(c + "online"), cpuRange(c + "possible"), cpuRange(c + "present"),
		text(c+"offline", ""), text(c+"isolated", ""), text(c+"kernel_max", "8191"),
		text("devices/system/node/online", "0"), text("devices/system/node/possible", "0"),
		text("devices/system/node/has_cpu", "0"), text("devices/system/node/has_memory", "0"),
		cpuRange("devices/system/node/node0/cpulist"),
		{path: "devices/system/node/node0/cpumap", render: func(v *view) string { return cpuMask(v.CPUs) + "\n" }},
		text("devices/system/node/node0/distance", "10"),
		{path: "devices/system/node/node0/meminfo", render: renderNodeMeminfo},
		text("devices/system/clocksource/clocksource0/current_clocksource", "tsc"),
		text("devices/system/clocksource/clocksource0/available_clocksource", "tsc"),
		text("kernel/mm/transparent_hugepage/enabled", "always madvise [never]"),
		text("kernel/mm/transparent_hugepage/defrag", "always defer defer+madvise madvise [never]"),
		text("kernel/mm/transparent_hugepage/hpage_pmd_size", "2097152"),
		text("kernel/mm/transparent_hugepage/shmem_enabled", "always within_size advise [never] deny force"),
		text("kernel/uevent_seqnum", "0"),
		link("class/net/lo", "../../devices/virtual/net/lo"),
	}
	for i := range max(cpus, 1) {
		files = append(files, cpuFiles(c+"cpu"+strconv.Itoa(i)+"/", i)...)
	}
	return append(files, loFiles("devices/virtual/net/lo/")...)
}

func cpuFiles(dir string, i int) []file {
	id := strconv.Itoa(i)
	mask := func(path string) file {
		return file{path: dir + path, render: func(*view) string { return fmt.Sprintf("%x\n", uint64(1)<<(i%64)) }}
	}
	files := texts(dir+"topology/", "core_id", id, "physical_package_id", "0", "die_id", "0",
		"thread_siblings_list", id, "core_cpus_list", id)
	files = append(files, mask("topology/thread_siblings"), mask("topology/core_cpus"),
		cpuRange(dir+"topology/core_siblings_list"), cpuRange(dir+"topology/package_cpus_list"))
	if i > 0 {
		files = append(files, text(dir+"online", "1"))
	}
	return files
}

func renderNodeMeminfo(v *view) string {
	kb := func(name string, bytes int64) string {
		return fmt.Sprintf("Node 0 %-16s%8d kB\n", name+":", bytes/1024)
	}
	return kb("MemTotal", v.MemTotal) + kb("MemFree", v.MemFree) + kb("MemUsed", v.MemTotal-v.MemFree)
}

// loFiles is the loopback interface.
func loFiles(dir string) []file {
	files := texts(dir, "address", "00:00:00:00:00:00", "addr_len", "6", "broadcast", "00:00:00:00:00:00",
		"carrier", "1", "dev_id", "0x0", "dormant", "0", "flags", "0x9", "ifalias", "", "ifindex", "1", "iflink", "1",
		"link_mode", "0", "mtu", "65536", "operstate", "unknown", "tx_queue_len", "1000", "type", "772",
		"uevent", "INTERFACE=lo\nIFINDEX=1")
	for _, s := range [...]string{"collisions", "multicast", "rx_bytes", "rx_dropped", "rx_errors", "rx_packets",
		"tx_bytes", "tx_dropped", "tx_errors", "tx_packets"} {
		files = append(files, text(dir+"statistics/"+s, "0"))
	}
	return append(files, link(dir+"subsystem", "../../../../class/net"))
}
