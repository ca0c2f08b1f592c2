package proc

import (
	"fmt"
	"strings"
)

// renderMeminfo is /proc/meminfo, of the sandbox's limit.
func renderMeminfo(v *view) string {
	var b strings.Builder
	kb := func(name string, bytes int64) { fmt.Fprintf(&b, "%-16s%8d kB\n", name+":", bytes/1024) }
	zero := func(names ...string) {
		for _, n := range names {
			kb(n, 0)
		}
	}
	anon := max(v.MemTotal-v.MemFree-v.MemCached, 0)
	file := max(v.MemCached-v.MemShared, 0)
	kb("MemTotal", v.MemTotal)
	kb("MemFree", v.MemFree)
	kb("MemAvailable", v.MemFree+file)
	zero("Buffers")
	kb("Cached", v.MemCached)
	zero("SwapCached")
	kb("Active", anon)
	kb("Inactive", v.MemCached)
	kb("Active(anon)", anon)
	kb("Inactive(anon)", v.MemShared)
	zero("Active(file)")
	kb("Inactive(file)", file)
	zero("Unevictable", "Mlocked", "SwapTotal", "SwapFree", "Zswap", "Zswapped", "Dirty", "Writeback")
	kb("AnonPages", anon)
	zero("Mapped")
	kb("Shmem", v.MemShared)
	zero("KReclaimable", "Slab", "SReclaimable", "SUnreclaim", "KernelStack", "PageTables", "SecPageTables",
		"NFS_Unstable", "Bounce", "WritebackTmp")
	kb("CommitLimit", v.MemTotal)
	kb("Committed_AS", anon)
	kb("VmallocTotal", 1<<45-1024)
	zero("VmallocUsed", "VmallocChunk", "Percpu", "AnonHugePages", "ShmemHugePages", "ShmemPmdMapped",
		"FileHugePages", "FilePmdMapped")
	for _, n := range [...]string{"Total", "Free", "Rsvd", "Surp"} {
		fmt.Fprintf(&b, "%-17s%7d\n", "HugePages_"+n+":", 0)
	}
	kb("Hugepagesize", 2<<20)
	zero("Hugetlb")
	kb("DirectMap4k", v.MemTotal)
	return b.String()
}
