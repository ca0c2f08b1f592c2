package proc

import (
	"fmt"
	"strings"
)

// x86Flags is what every x86-64-v2 processor has.
const x86Flags = "fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush mmx fxsr sse sse2 ht " +
	"syscall nx lm constant_tsc rep_good nopl cpuid pni ssse3 cx16 sse4_1 sse4_2 popcnt hypervisor lahf_lm"

// renderCPUInfo is /proc/cpuinfo: of the processor that guests are shown, which
// is not the host's.
func renderCPUInfo(v *view) string {
	var b strings.Builder
	for i := range max(v.CPUs, 1) {
		if v.Machine == "aarch64" {
			arm64CPU(&b, i)
		} else {
			x86CPU(&b, v, i)
		}
	}
	return b.String()
}

func x86CPU(b *strings.Builder, v *view, i int) {
	model, flags := v.CPUModel, v.CPUFlags
	if model == "" {
		model = "sbx virtual CPU"
	}
	if flags == "" {
		flags = x86Flags
	}
	line := func(name string, value any) { fmt.Fprintf(b, "%s: %v\n", tabTo(name), value) }
	line("processor", i)
	line("vendor_id", "GenuineIntel")
	line("cpu family", 6)
	line("model", 26)
	line("model name", model)
	line("stepping", 3)
	line("microcode", "0x1")
	line("cpu MHz", "2000.000")
	line("cache size", "16384 KB")
	line("physical id", 0)
	line("siblings", v.CPUs)
	line("core id", i)
	line("cpu cores", v.CPUs)
	line("apicid", i)
	line("initial apicid", i)
	line("fpu", "yes")
	line("fpu_exception", "yes")
	line("cpuid level", 13)
	line("wp", "yes")
	line("flags", flags)
	line("bugs", "")
	line("bogomips", "4000.00")
	line("clflush size", 64)
	line("cache_alignment", 64)
	line("address sizes", "40 bits physical, 48 bits virtual")
	b.WriteString("power management:\n\n")
}

// tabTo pads a name to the second tab stop.
func tabTo(name string) string {
	if len(name) < 8 {
		return name + "\t\t"
	}
	if len(name) < 16 {
		return name + "\t"
	}
	return name
}

func arm64CPU(b *strings.Builder, i int) {
	fmt.Fprintf(b, "processor\t: %d\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd cpuid\nCPU implementer\t: 0x41\n"+
		"CPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: 0xd0c\nCPU revision\t: 1\n\n", i)
}
