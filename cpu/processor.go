package cpu

// Processor is what an executor's guests find when they ask about the processor with CPUID,
// in the words of /proc/cpuinfo.
type Processor struct {
	Vendor, Name            string
	Family, Model, Stepping int
	Level                   uint32 // the largest basic leaf
	Flags                   []string
	// PhysicalBits and VirtualBits are the sizes of addresses.
	PhysicalBits, VirtualBits int
}
