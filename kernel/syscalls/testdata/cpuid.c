// What CPUID says and what /proc/cpuinfo says of the same processor.
#include <cpuid.h>
#include <stdio.h>
#include <string.h>

static char flags[8192];

static int listed(const char *name) {
	size_t n = strlen(name);
	for (char *p = flags; (p = strstr(p, name)); p += n)
		if (p[-1] == ' ' && (p[n] == ' ' || p[n] == '\n' || p[n] == 0)) return 1;
	return 0;
}

static void both(const char *name, unsigned bit) {
	if (listed(name) != !!bit) printf("%s: cpuid %d, cpuinfo %d\n", name, !!bit, listed(name));
}

int main(void) {
	FILE *f = fopen("/proc/cpuinfo", "r");
	char line[8192], vendor[64] = "", name[13] = "";
	int family = 0, model = 0, stepping = 0;
	while (fgets(line, sizeof line, f)) {
		if (!strncmp(line, "flags", 5)) strcpy(flags, line);
		sscanf(line, "vendor_id : %63s", vendor);
		sscanf(line, "cpu family : %d", &family);
		sscanf(line, "model : %d", &model);
		sscanf(line, "stepping : %d", &stepping);
	}
	unsigned a, b, c, d;
	__cpuid(0, a, b, c, d);
	memcpy(name, &b, 4), memcpy(name + 4, &d, 4), memcpy(name + 8, &c, 4);
	printf("vendor %s\n", strcmp(vendor, name) ? "differs" : "agrees");
	__cpuid(1, a, b, c, d);
	int fam = a >> 8 & 15, mod = (a >> 4 & 15) | (fam == 6 || fam == 15 ? a >> 12 & 0xf0 : 0);
	if (fam == 15) fam += a >> 20 & 255;
	printf("numbers %s\n", fam == family && mod == model && (a & 15) == stepping ? "agree" : "differ");
	both("fpu", d & 1), both("cx8", d & 1 << 8), both("cmov", d & 1 << 15), both("fxsr", d & 1 << 24), both("sse", d & 1 << 25), both("sse2", d & 1 << 26);
	both("pni", c & 1), both("pclmulqdq", c & 1 << 1), both("ssse3", c & 1 << 9), both("fma", c & 1 << 12), both("cx16", c & 1 << 13);
	both("sse4_1", c & 1 << 19), both("sse4_2", c & 1 << 20), both("movbe", c & 1 << 22), both("popcnt", c & 1 << 23), both("aes", c & 1 << 25);
	both("xsave", c & 1 << 26), both("avx", c & 1 << 28), both("f16c", c & 1 << 29), both("rdrand", c & 1 << 30);
	__cpuid_count(7, 0, a, b, c, d);
	both("bmi1", b & 1 << 3), both("avx2", b & 1 << 5), both("bmi2", b & 1 << 8), both("erms", b & 1 << 9), both("avx512f", b & 1 << 16), both("rdseed", b & 1 << 18);
	both("adx", b & 1 << 19), both("clflushopt", b & 1 << 23), both("sha_ni", b & 1 << 29), both("fsrm", d & 1 << 4);
	__cpuid(0x80000001, a, b, c, d);
	both("lahf_lm", c & 1), both("abm", c & 1 << 5), both("sse4a", c & 1 << 6), both("3dnowprefetch", c & 1 << 8);
	both("syscall", d & 1 << 11), both("nx", d & 1 << 20), both("rdtscp", d & 1 << 27), both("lm", d & 1 << 29);
	return 0;
}
