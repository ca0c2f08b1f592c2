package x86

// Feature is the CPUID feature that an instruction belongs to.
type Feature uint8

// The features. FeatureBASE is what every x86-64 processor has and CPUID has no bit for, or a bit (CMOV, CX8, FXSR, TSC) that
// is always set.
const (
	FeatureBASE Feature = iota
	FeatureX87
	FeatureMMX
	FeatureSSE
	FeatureSSE2
	FeatureSEP
	FeatureCLFLUSH
	FeatureSSE3
	FeatureSSSE3
	FeatureSSE41
	FeatureSSE42
	FeatureCX16
	FeatureLAHF
	FeaturePOPCNT
	FeatureMOVBE
	FeatureAES
	FeaturePCLMUL
	FeatureSHA
	FeatureXSAVE
	FeatureXSAVEOPT
	FeatureXSAVEC
	FeatureAVX
	FeatureF16C
	FeatureFMA
	FeatureAVX2
	FeatureBMI1
	FeatureBMI2
	FeatureLZCNT
	FeatureADX
	FeatureRDRAND
	FeatureRDSEED
	FeatureRDTSCP
	FeatureFSGSBASE
	FeatureCLFLUSHOPT
	FeatureCLWB
	FeaturePREFETCHW
	numFeatures
)

var featureNames = [numFeatures]string{
	"base", "x87", "mmx", "sse", "sse2", "sep", "clflush", "sse3", "ssse3", "sse4.1", "sse4.2", "cx16", "lahf", "popcnt", "movbe",
	"aes", "pclmulqdq", "sha", "xsave", "xsaveopt", "xsavec", "avx", "f16c", "fma", "avx2", "bmi1", "bmi2", "lzcnt", "adx",
	"rdrand", "rdseed", "rdtscp", "fsgsbase", "clflushopt", "clwb", "prefetchw",
}

// String returns the name in lower case.
func (f Feature) String() string {
	if f < numFeatures {
		return featureNames[f]
	}
	return "unknown"
}
