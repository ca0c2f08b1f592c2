/* base64, base32: RFC 4648 */
#include "tool.h"

const char base64_help[] = " [OPTION]... [FILE]\n"
    "Encode or decode FILE, or standard input, to standard output.\n\n"
    "  -d, --decode          decode data\n"
    "  -i, --ignore-garbage  when decoding, ignore non-alphabet characters\n"
    "  -w, --wrap=COLS       wrap encoded lines after COLS character (default 76).\n"
    "                          Use 0 to disable line wrapping\n";

static const struct lopt longs[] = {{"decode", 0, 'd'}, {"ignore-garbage", 0, 'i'}, {"wrap", 1, 'w'}, {0, 0, 0}};

struct code {
	const char *letters;
	unsigned bits, in, out; /* bits a letter; bytes and letters of a group */
};
static const struct code sixty_four = {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 6, 3, 4};
static const struct code thirty_two = {"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 5, 5, 8};

static uint64_t wrap = 76, column;

static void put(char c) {
	putchar(c);
	if (wrap && ++column == wrap)
		putchar('\n'), column = 0;
}

static void put_group(const struct code *code, const uint8_t *p, size_t n) {
	uint64_t v = 0;
	for (size_t i = 0; i < code->in; i++)
		v = v << 8 | (i < n ? p[i] : 0);
	size_t letters = (n * 8 + code->bits - 1) / code->bits;
	for (size_t i = 0; i < code->out; i++)
		put(i < letters ? code->letters[v >> (code->bits * (code->out - 1 - i)) & ((1u << code->bits) - 1)] : '=');
}

static int encode(const struct code *code, int fd) {
	static uint8_t buf[15 * 4096];
	ssize_t n;
	while ((n = full_read(fd, buf, sizeof buf)) > 0)
		for (ssize_t i = 0; i < n; i += code->in)
			put_group(code, buf + i, n - i < (ssize_t)code->in ? (size_t)(n - i) : code->in);
	if (n < 0)
		die_errno(1, "read error");
	if (wrap && column)
		putchar('\n');
	return 0;
}

/* Writes the bytes of a group of letters; false when no encoder could have made it. */
static bool take_group(const struct code *code, const uint8_t *v, unsigned n) {
	uint64_t bits = 0;
	for (unsigned i = 0; i < code->out; i++)
		bits = bits << code->bits | (i < n ? v[i] : 0);
	unsigned bytes = n * code->bits / 8, spare = n * code->bits % 8;
	for (unsigned i = 0; i < bytes; i++)
		putchar((int)(bits >> (8 * (code->in - 1 - i)) & 255));
	return spare < code->bits && bytes > 0;
}

static int decode(const struct code *code, struct rd *r, bool ignore) {
	uint8_t value[256], group[8];
	unsigned n = 0, pad = 0;
	int c;
	memset(value, 255, sizeof value);
	for (unsigned i = 0; code->letters[i]; i++)
		value[(uint8_t)code->letters[i]] = (uint8_t)i;
	while ((c = rd_getc(r)) >= 0) {
		if (c == '\n')
			continue;
		if (c == '=' && n + pad < code->out && n) {
			if (n + ++pad == code->out) {
				if (!take_group(code, group, n))
					goto bad;
				n = pad = 0;
			}
			continue;
		}
		if (value[c] == 255) {
			if (ignore)
				continue;
			goto bad;
		}
		if (pad)
			goto bad;
		group[n++] = value[c];
		if (n == code->out)
			take_group(code, group, n), n = 0;
	}
	if (r->err) {
		errno = r->err;
		die_errno(1, "read error");
	}
	if (!n)
		return 0;
	take_group(code, group, n);
bad:
	fflush(stdout);
	die(1, "invalid input");
}

int base64_main(int argc, char **argv) {
	int c;
	bool decoding = false, ignore = false;
	const struct code *code = strcmp(base_of(prog), "base32") == 0 ? &thirty_two : &sixty_four;
	while ((c = opt_next(argc, argv, "diw:", longs)) != -1) {
		switch (c) {
		case 'd': decoding = true; break;
		case 'i': ignore = true; break;
		case 'w': wrap = need_size(opt_arg, "", "wrap size"); break;
		}
	}
	if (argc - opt_ind > 1)
		extra_operand(1, argv[opt_ind + 1]);
	const char *name = opt_ind < argc ? argv[opt_ind] : "-";
	int fd = open_input(name);
	if (fd < 0)
		die_errno(1, "%s", quotef(name));
	if (!decoding)
		return encode(code, fd);
	struct rd r;
	rd_init(&r, fd);
	return decode(code, &r, ignore);
}
