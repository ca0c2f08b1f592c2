package rewrite

// maskCPUID makes what the processor says about itself what a guest may use:
// what the decoder knows and the exits save. AVX-512, protection keys, transactional
// memory, and what needs privileges are not there.
func maskCPUID(leaf, sub uint32, a, b, c, d uint32) (uint32, uint32, uint32, uint32) {
	switch leaf {
	case 1:
		const hidden = 1<<2 | 1<<3 | 1<<5 | 1<<6 | 1<<7 | 1<<8 | 1<<10 | 1<<11 | 1<<14 | 1<<15 | 1<<17 | 1<<18 | 1<<21 | 1<<24 | 1<<31
		return a, b & 0xffff, c &^ hidden, d &^ (1<<21 | 1<<22 | 1<<27 | 1<<28 | 1<<29 | 1<<31)
	case 7:
		if sub != 0 {
			return 0, 0, 0, 0
		}
		// BMI1, AVX2, BMI2, ERMS, RDSEED, ADX, CLFLUSHOPT, CLWB, SHA; fast short rep mov.
		const kept = 1<<3 | 1<<5 | 1<<8 | 1<<9 | 1<<18 | 1<<19 | 1<<23 | 1<<24 | 1<<29
		return 0, b & kept, 0, d & (1 << 4)
	case 0xb, 0x1f:
		return 0, 0, sub & 0xff, 0
	case 0xd:
		switch sub {
		case 0:
			return xcr0, xsaveBytes, xsaveBytes, 0
		case 1:
			return a & 3, xsaveBytes, 0, 0
		case 2:
			return 256, 576, 0, 0
		}
		return 0, 0, 0, 0
	case 0x80000001:
		return a, b, c & (1<<0 | 1<<5 | 1<<8), d & (1<<11 | 1<<20 | 1<<27 | 1<<29)
	}
	switch {
	case leaf == 0:
		return min(a, 0x16), b, c, d
	case leaf >= 8 && leaf < 0xb, leaf > 0xd && leaf < 0x15, leaf >= 0x17 && leaf < 0x80000000:
		return 0, 0, 0, 0
	case leaf == 3, leaf == 5, leaf == 6, leaf == 0x80000007 || leaf == 0x8000000a, leaf > 0x8000001d:
		return 0, 0, 0, 0
	case leaf == 0x80000008:
		return a, 0, 0, 0
	}
	return a, b, c, d
}

// What XGETBV and the XSAVE family show: x87, SSE, AVX.
const (
	xcr0       = 7
	xsaveBytes = 832
)
