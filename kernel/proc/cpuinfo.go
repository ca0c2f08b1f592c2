package proc

import (
	"fmt"
	"strings"

	"github.com/sbxrun/sbx/cpu"
)

// plain is a processor that has what every x86-64-v2 has, for guests that can't ask it.
var plain = cpu.Processor{Vendor: "GenuineIntel", Name: "sbx virtual CPU", Family: 6, Model: 26, Stepping: 3, Level: 13, PhysicalBits: 40, VirtualBits: 48,
	Flags: strings.Fields("fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush mmx fxsr sse sse2 ht " +
		"syscall nx lm constant_tsc rep_good nopl cpuid pni ssse3 cx16 sse4_1 sse4_2 popcnt hypervisor lahf_lm")}

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
	p := &plain
	if v.Processor != nil {
		p = v.Processor()
	}
	line := func(name string, value any) { fmt.Fprintf(b, "%s: %v\n", tabTo(name), value) }
	line("processor", i)
	line("vendor_id", p.Vendor)
	line("cpu family", p.Family)
	line("model", p.Model)
	line("model name", p.Name)
	line("stepping", p.Stepping)
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
	line("cpuid level", p.Level)
	line("wp", "yes")
	line("flags", strings.Join(p.Flags, " "))
	line("bugs", "")
	line("bogomips", "4000.00")
	line("clflush size", 64)
	line("cache_alignment", 64)
	line("address sizes", fmt.Sprintf("%d bits physical, %d bits virtual", p.PhysicalBits, p.VirtualBits))
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
