/* cksum: the CRC of POSIX */
#include "tool.h"

const char cksum_help[] = " [FILE]...\nPrint CRC checksum and byte counts of each FILE.\n";

static uint32_t table[256];

static void make_table(void) {
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i << 24;
		for (int k = 0; k < 8; k++)
			c = c << 1 ^ (c & 0x80000000 ? 0x04c11db7 : 0);
		table[i] = c;
	}
}

static uint32_t feed(uint32_t crc, const uint8_t *p, size_t n) {
	while (n--)
		crc = crc << 8 ^ table[(crc >> 24 ^ *p++) & 255];
	return crc;
}

static int one(const char *name, bool named) {
	static uint8_t buf[65536];
	uint64_t total = 0;
	uint32_t crc = 0;
	ssize_t n;
	int fd = open_input(name);
	if (fd < 0) {
		warn_errno("%s", quotef(name));
		return 1;
	}
	while ((n = read(fd, buf, sizeof buf)) > 0)
		crc = feed(crc, buf, (size_t)n), total += (uint64_t)n;
	int e = errno;
	if (fd)
		close(fd);
	if (n < 0) {
		errno = e;
		warn_errno("%s", quotef(name));
		return 1;
	}
	for (uint64_t left = total; left; left >>= 8)
		crc = feed(crc, (uint8_t[]){(uint8_t)left}, 1);
	printf("%u %llu", ~crc, (unsigned long long)total);
	if (named)
		printf(" %s", name);
	putchar('\n');
	return 0;
}

int cksum_main(int argc, char **argv) {
	int rc = 0;
	make_table();
	while (opt_next(argc, argv, "", NULL) != -1)
		;
	if (opt_ind == argc)
		return one("-", false);
	for (int i = opt_ind; i < argc; i++)
		rc |= one(argv[i], true);
	return rc;
}
