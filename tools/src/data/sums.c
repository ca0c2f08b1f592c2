/* md5sum, sha1sum, sha224sum, sha256sum, sha384sum, sha512sum */
#include "tool.h"

#include "digest.h"

const char sums_help[] = " [OPTION]... [FILE]...\n"
    "Print or check message digests.\n\n"
    "With no FILE, or when FILE is -, read standard input.\n\n"
    "  -b, --binary         read in binary mode\n"
    "  -c, --check          read checksums from the FILEs and check them\n"
    "      --tag            create a BSD-style checksum\n"
    "  -t, --text           read in text mode (default)\n"
    "  -z, --zero           end each output line with NUL, not newline\n"
    "\nThe following five options are useful only when verifying checksums:\n"
    "      --ignore-missing  don't fail or report status for missing files\n"
    "      --quiet          don't print OK for each successfully verified file\n"
    "      --status         don't output anything, status code shows success\n"
    "      --strict         exit non-zero for improperly formatted checksum lines\n"
    "  -w, --warn           warn about improperly formatted checksum lines\n";

static const struct digest_kind *const kinds[] = {&digest_md5, &digest_sha1, &digest_sha224, &digest_sha256, &digest_sha384, &digest_sha512};
static const char *const names[] = {"md5sum", "sha1sum", "sha224sum", "sha256sum", "sha384sum", "sha512sum"};

static const struct digest_kind *kind;
static bool binary, check, tag, zero, ignore_missing, quiet, status_only, strict, warn_lines;

static const struct lopt longs[] = {{"binary", 0, 'b'}, {"check", 0, 'c'}, {"text", 0, 't'}, {"zero", 0, 'z'}, {"warn", 0, 'w'},
    {"tag", 0, 1}, {"ignore-missing", 0, 2}, {"quiet", 0, 3}, {"status", 0, 4}, {"strict", 0, 5}, {0, 0, 0}};

/* The digest of a file in hex; false with errno. */
static bool sum_file(const char *name, char hex[129]) {
	int fd = open_input(name);
	if (fd < 0)
		return false;
	struct digest d;
	static uint8_t buf[65536];
	ssize_t n;
	digest_init(&d, kind);
	while ((n = read(fd, buf, sizeof buf)) > 0)
		digest_add(&d, buf, (size_t)n);
	int e = errno;
	if (fd)
		close(fd);
	errno = e;
	if (n < 0)
		return false;
	uint8_t out[64];
	digest_end(&d, out);
	for (size_t i = 0; i < kind->size; i++)
		sprintf(hex + 2 * i, "%02x", out[i]);
	return true;
}

/* A name with a newline, return or backslash is written escaped, behind a line that begins with a backslash. */
static void put_name(const char *name, bool escape) {
	for (; *name; name++)
		if (escape && *name == '\\')
			fputs("\\\\", stdout);
		else if (escape && *name == '\n')
			fputs("\\n", stdout);
		else if (escape && *name == '\r')
			fputs("\\r", stdout);
		else
			putchar(*name);
}

static int print_file(const char *name) {
	char hex[129];
	if (!sum_file(name, hex)) {
		warn_errno("%s", quotef(name));
		return 1;
	}
	bool escape = !zero && strpbrk(name, "\\\n\r");
	if (escape)
		putchar('\\');
	if (tag)
		printf("%s (", kind->name), put_name(name, escape), printf(") = %s", hex);
	else
		printf("%s %c", hex, binary ? '*' : ' '), put_name(name, escape);
	putchar(zero ? 0 : '\n');
	return 0;
}

static bool is_hex(const char *s, size_t n) {
	for (size_t i = 0; i < n; i++)
		if (!strchr("0123456789abcdefABCDEF", s[i]) || !s[i])
			return false;
	return true;
}

static bool unescape(char *s) {
	char *to = s;
	for (; *s; s++) {
		if (*s == '\\') {
			s++;
			if (*s == 'n')
				*to++ = '\n';
			else if (*s == 'r')
				*to++ = '\r';
			else if (*s == '\\')
				*to++ = '\\';
			else
				return false;
		} else
			*to++ = *s;
	}
	*to = 0;
	return true;
}

/* Splits "HEX  NAME" or "KIND (NAME) = HEX"; false when the line is neither. */
static bool split_line(char *line, char **hex, char **name) {
	size_t digits = kind->size * 2, n = strlen(kind->name);
	bool escaped = *line == '\\';
	line += escaped;
	if (strncmp(line, kind->name, n) == 0 && strncmp(line + n, " (", 2) == 0) {
		char *end = strrchr(line, ')');
		if (!end || strncmp(end, ") = ", 4) != 0 || strlen(end + 4) != digits || !is_hex(end + 4, digits))
			return false;
		*end = 0, *hex = end + 4, *name = line + n + 2;
	} else {
		while (*line == ' ' || *line == '\t')
			line++;
		if (!is_hex(line, digits) || line[digits] != ' ' || (line[digits + 1] != ' ' && line[digits + 1] != '*') || !line[digits + 2])
			return false;
		line[digits] = 0, *hex = line, *name = line + digits + 2;
	}
	return !escaped || unescape(*name);
}

struct tally {
	unsigned long good, bad_lines, bad_files, mismatches, lines;
};

static void plural(unsigned long n, const char *one, const char *many) {
	if (n)
		warn("WARNING: %lu %s", n, n == 1 ? one : many);
}

static void check_line(const char *list, unsigned long number, char *line, struct tally *t) {
	char *hex, *name, got[129];
	if (*line == '#')
		return;
	if (!split_line(line, &hex, &name)) {
		t->bad_lines++;
		if (warn_lines)
			warn("%s: %lu: improperly formatted %s checksum line", quotef(list), number, kind->name);
		return;
	}
	t->lines++;
	if (!sum_file(name, got)) {
		if (ignore_missing && errno == ENOENT)
			return;
		t->bad_files++;
		warn_errno("%s", quotef(name));
		if (!status_only)
			put_name(name, strchr(name, '\n')), puts(": FAILED open or read");
		return;
	}
	bool same = strcasecmp(hex, got) == 0;
	if (same)
		t->good++;
	else
		t->mismatches++;
	if (!status_only && !(same && quiet))
		put_name(name, strchr(name, '\n')), puts(same ? ": OK" : ": FAILED");
}

static int check_list(const char *list) {
	struct tally t = {0};
	struct rd r;
	char *line;
	size_t n;
	unsigned long number = 0;
	int fd = open_input(list);
	const char *shown = strcmp(list, "-") ? list : "standard input";
	if (fd < 0) {
		warn_errno("%s", quotef(list));
		return 1;
	}
	rd_init(&r, fd);
	while ((line = rd_line(&r, '\n', &n))) {
		char *s = xstrndup(line, n && line[n - 1] == '\n' ? n - 1 : n);
		if (*s && s[strlen(s) - 1] == '\r')
			s[strlen(s) - 1] = 0;
		check_line(shown, ++number, s, &t);
		free(s);
	}
	int failed = r.err;
	rd_free(&r);
	if (fd)
		close(fd);
	if (failed) {
		errno = failed;
		warn_errno("%s: read error", quotef(shown));
		return 1;
	}
	if (!t.lines) {
		warn("%s: no properly formatted checksum lines found", quotef(shown));
		return 1;
	}
	if (!status_only) {
		plural(t.bad_lines, "line is improperly formatted", "lines are improperly formatted");
		plural(t.bad_files, "listed file could not be read", "listed files could not be read");
		plural(t.mismatches, "computed checksum did NOT match", "computed checksums did NOT match");
		if (ignore_missing && !t.good && !t.mismatches)
			warn("%s: no file was verified", quotef(shown));
	}
	return t.mismatches || t.bad_files || (strict && t.bad_lines) || !(t.good || !ignore_missing);
}

int sums_main(int argc, char **argv) {
	int c, rc = 0;
	for (size_t i = 0; i < LEN(kinds); i++)
		if (strcmp(base_of(prog), names[i]) == 0)
			kind = kinds[i];
	if (!kind)
		kind = &digest_sha256;
	while ((c = opt_next(argc, argv, "bctwz", longs)) != -1) {
		switch (c) {
		case 'b': binary = true; break;
		case 'c': check = true; break;
		case 't': binary = false; break;
		case 'w': warn_lines = true, status_only = quiet = false; break;
		case 'z': zero = true; break;
		case 1: tag = binary = true; break;
		case 2: ignore_missing = true; break;
		case 3: quiet = true; break;
		case 4: status_only = true; break;
		case 5: strict = true; break;
		}
	}
	if (tag && check) {
		warn("the --tag option is meaningless when verifying checksums");
		usage(1);
	}
	static char *standard[] = {"-", NULL};
	char **files = opt_ind < argc ? argv + opt_ind : standard;
	for (; *files; files++)
		rc |= check ? check_list(*files) : print_file(*files);
	return rc;
}
