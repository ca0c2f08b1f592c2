package rewrite

import (
	"encoding/binary"
	"strings"
	"sync"

	"github.com/sbxrun/sbx/cpu"
	"github.com/sbxrun/sbx/cpu/trap"
)

// guestCPUID is the instruction as guests find it. The answers are kept, for every program asks two dozen of them
// when it starts, and where the host is a virtual machine itself each costs as much as several system calls. None
// depends on which processor it is that answers.
func guestCPUID(leaf, sub uint32) (a, b, c, d uint32) {
	kept := leaf&^(1<<31) < 32 && sub < 64 // the others are all alike
	key := uint64(leaf)<<32 | uint64(sub)
	if kept {
		answers.RLock()
		v, ok := answers.m[key]
		answers.RUnlock()
		if ok {
			return v[0], v[1], v[2], v[3]
		}
	}
	a, b, c, d = trap.CPUID(leaf, sub)
	a, b, c, d = maskCPUID(leaf, sub, a, b, c, d)
	if kept {
		answers.Lock()
		answers.m[key] = [4]uint32{a, b, c, d}
		answers.Unlock()
	}
	return a, b, c, d
}

var answers = struct {
	sync.RWMutex
	m map[uint64][4]uint32
}{m: map[uint64][4]uint32{}}

// flagNames are the names that Linux gives to bits of CPUID (arch/x86/include/asm/cpufeatures.h), in the
// order of /proc/cpuinfo; - for bits that have none.
var flagNames = []struct {
	leaf, sub uint32
	reg       int // of EAX EBX ECX EDX
	names     string
}{
	{1, 0, 3, "fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov pat pse36 pn clflush - dts acpi mmx fxsr sse sse2 ss ht tm ia64 pbe"},
	{0x80000001, 0, 3, "- - - - - - - - - - - syscall - - - - - - - mp nx - mmxext - - fxsr_opt pdpe1gb rdtscp - lm 3dnowext 3dnow"},
	{1, 0, 2, "pni pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid sdbg fma cx16 xtpr pdcm - pcid dca sse4_1 sse4_2 x2apic movbe popcnt tsc_deadline_timer aes xsave - avx f16c rdrand hypervisor"},
	{0x80000001, 0, 2, "lahf_lm cmp_legacy svm extapic cr8_legacy abm sse4a misalignsse 3dnowprefetch osvw ibs xop skinit wdt - lwp fma4 tce - nodeid_msr - tbm topoext"},
	{7, 0, 1, "fsgsbase tsc_adjust sgx bmi1 hle avx2 - smep bmi2 erms invpcid rtm cqm - mpx rdt_a avx512f avx512dq rdseed adx smap avx512ifma - clflushopt clwb intel_pt avx512pf avx512er avx512cd sha_ni avx512bw avx512vl"},
	{0xd, 1, 0, "xsaveopt xsavec xgetbv1 xsaves"},
	{7, 0, 3, "- - - - fsrm"},
}

// Processor tells of the processor what guests find when they ask it.
var Processor = sync.OnceValue(askProcessor)

func askProcessor() *cpu.Processor {
	p := &cpu.Processor{}
	var vendor [12]byte
	level, b, c, d := guestCPUID(0, 0)
	binary.LittleEndian.PutUint32(vendor[0:], b)
	binary.LittleEndian.PutUint32(vendor[4:], d)
	binary.LittleEndian.PutUint32(vendor[8:], c)
	p.Vendor, p.Level = string(vendor[:]), level
	a, _, _, _ := guestCPUID(1, 0)
	p.Stepping, p.Model, p.Family = int(a&15), int(a>>4&15), int(a>>8&15)
	if p.Family == 6 || p.Family == 15 {
		p.Model |= int(a >> 16 & 15 << 4)
	}
	if p.Family == 15 {
		p.Family += int(a >> 20 & 255)
	}
	var name []byte
	for leaf := uint32(0x80000002); leaf <= 0x80000004; leaf++ {
		a, b, c, d := guestCPUID(leaf, 0)
		for _, v := range [...]uint32{a, b, c, d} {
			name = binary.LittleEndian.AppendUint32(name, v)
		}
	}
	p.Name, _, _ = strings.Cut(string(name), "\x00")
	p.Name = strings.TrimSpace(p.Name)
	a, _, _, _ = guestCPUID(0x80000008, 0)
	p.PhysicalBits, p.VirtualBits = int(a&255), int(a>>8&255)
	for _, f := range flagNames {
		var regs [4]uint32
		regs[0], regs[1], regs[2], regs[3] = guestCPUID(f.leaf, f.sub)
		for i, name := range strings.Fields(f.names) {
			if name != "-" && regs[f.reg]>>i&1 != 0 {
				p.Flags = append(p.Flags, name)
			}
		}
		if f.leaf == 0x80000001 && f.reg == 3 {
			p.Flags = append(p.Flags, "rep_good", "nopl", "cpuid") // as Linux has it on all of them
		}
	}
	return p
}
