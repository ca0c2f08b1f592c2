/* test, [ */
#include "tool.h"

#include <ctype.h>

const char test_help[] = " EXPRESSION\n  or:  [ EXPRESSION ]\nExit with the status determined by EXPRESSION.\n";

static char **v;
static int n, at;
static bool expression(void);

static void syntax(const char *fmt, const char *arg) NORETURN;
static void syntax(const char *fmt, const char *arg) { die(2, fmt, arg ? quote(arg) : ""); }

static bool integer(const char *s, int64_t *out) {
	const char *p = s;
	while (isspace((unsigned char)*p))
		p++;
	char *end;
	errno = 0;
	*out = strtoll(p, &end, 10);
	while (isspace((unsigned char)*end))
		end++;
	if (*end || end == p)
		syntax("invalid integer %s", s);
	return true;
}

static bool unary_op(const char *s) { return s[0] == '-' && s[1] && !s[2] && strchr("bcdefgGhkLnNOpPrsStuwxz", s[1]); }

static const char *const binary_ops[] = {"=", "==", "!=", "<", ">", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef", NULL};

static int binary_op(const char *s) {
	for (int i = 0; binary_ops[i]; i++)
		if (strcmp(s, binary_ops[i]) == 0)
			return i;
	return -1;
}

static bool unary(char op, const char *arg) {
	struct sbx_stat st;
	struct sbx_ids ids;
	int64_t fd;
	switch (op) {
	case 'n': return *arg != 0;
	case 'z': return *arg == 0;
	case 't': return integer(arg, &fd) && isatty((int)fd);
	case 'r': return sbx_access(arg, 4) == 0;
	case 'w': return sbx_access(arg, 2) == 0;
	case 'x': return sbx_access(arg, 1) == 0;
	}
	if (sbx_stat(arg, op == 'h' || op == 'L' ? SBX_NOFOLLOW : 0, &st))
		return false;
	switch (op) {
	case 'b': return S_ISBLK(st.mode);
	case 'c': return S_ISCHR(st.mode);
	case 'd': return S_ISDIR(st.mode);
	case 'f': return S_ISREG(st.mode);
	case 'g': return st.mode & 02000;
	case 'h': case 'L': return S_ISLNK(st.mode);
	case 'k': return st.mode & 01000;
	case 'p': return S_ISFIFO(st.mode);
	case 's': return st.size > 0;
	case 'S': return S_ISSOCK(st.mode);
	case 'u': return st.mode & 04000;
	case 'N': return st.mtime > st.atime || (st.mtime == st.atime && st.mtime_ns > st.atime_ns);
	case 'O': return sbx_ids(&ids) == 0 && ids.euid == st.uid;
	case 'G': return sbx_ids(&ids) == 0 && ids.egid == st.gid;
	}
	return true; /* -e */
}

static bool binary(const char *a, int op, const char *b) {
	int64_t x, y;
	struct sbx_stat s, t;
	switch (op) {
	case 0: case 1: return strcmp(a, b) == 0;
	case 2: return strcmp(a, b) != 0;
	case 3: return strcmp(a, b) < 0;
	case 4: return strcmp(a, b) > 0;
	}
	if (op < 11) {
		integer(a, &x);
		integer(b, &y);
		return op == 5 ? x == y : op == 6 ? x != y : op == 7 ? x < y : op == 8 ? x <= y : op == 9 ? x > y : x >= y;
	}
	bool sa = sbx_stat(a, 0, &s) == 0, sb = sbx_stat(b, 0, &t) == 0;
	if (op == 13)
		return sa && sb && s.ino == t.ino && s.dev == t.dev;
	if (!sa || !sb)
		return op == 11 ? sa : sb;
	bool newer = s.mtime > t.mtime || (s.mtime == t.mtime && s.mtime_ns > t.mtime_ns);
	bool older = s.mtime < t.mtime || (s.mtime == t.mtime && s.mtime_ns < t.mtime_ns);
	return op == 11 ? newer : older;
}

static void more(void) {
	if (at >= n)
		syntax("missing argument after %s", v[n - 1]);
}

static bool term(void) {
	bool negate = false;
	more();
	while (at < n && strcmp(v[at], "!") == 0 && at + 1 < n) {
		negate = !negate;
		at++;
	}
	bool r;
	if (at + 2 < n && binary_op(v[at + 1]) >= 0) {
		r = binary(v[at], binary_op(v[at + 1]), v[at + 2]);
		at += 3;
	} else if (strcmp(v[at], "(") == 0 && at + 1 < n) {
		at++;
		r = expression();
		if (at >= n || strcmp(v[at], ")"))
			at < n ? die(2, "%s expected, found %s", quote(")"), quote(v[at])) : die(2, "%s expected", quote(")"));
		at++;
	} else if (unary_op(v[at]) && at + 1 < n) {
		r = unary(v[at][1], v[at + 1]);
		at += 2;
	} else {
		r = *v[at++] != 0;
	}
	return r != negate;
}

static bool conjunction(void) {
	bool r = term();
	while (at < n && strcmp(v[at], "-a") == 0) {
		at++;
		bool right = term();
		r = r && right;
	}
	return r;
}

static bool expression(void) {
	bool r = conjunction();
	while (at < n && strcmp(v[at], "-o") == 0) {
		at++;
		bool right = conjunction();
		r = r || right;
	}
	return r;
}

static bool two(void) {
	if (strcmp(v[at], "!") == 0)
		return !*v[at + 1];
	if (unary_op(v[at]))
		return unary(v[at][1], v[at + 1]);
	if (v[at][0] == '-' && v[at][1] && !v[at][2])
		syntax("%s: unary operator expected", v[at]);
	syntax("missing argument after %s", v[at + 1]);
}

static bool three(void) {
	int op = binary_op(v[at + 1]);
	if (op >= 0)
		return binary(v[at], op, v[at + 2]);
	if (strcmp(v[at], "!") == 0) {
		at++;
		bool r = !two();
		return r;
	}
	if (strcmp(v[at], "(") == 0 && strcmp(v[at + 2], ")") == 0)
		return *v[at + 1] != 0;
	if (strcmp(v[at + 1], "-a") == 0)
		return *v[at] && *v[at + 2];
	if (strcmp(v[at + 1], "-o") == 0)
		return *v[at] || *v[at + 2];
	syntax("%s: binary operator expected", v[at + 1]);
}

static bool evaluate(void) {
	switch (n - at) {
	case 0: return false;
	case 1: return *v[at] != 0;
	case 2: return two();
	case 3: return three();
	case 4:
		if (strcmp(v[at], "!") == 0) {
			at++;
			return !three();
		}
		if (strcmp(v[at], "(") == 0 && strcmp(v[at + 3], ")") == 0) {
			at++;
			return two();
		}
	}
	bool r = expression();
	if (at < n)
		syntax("extra argument %s", v[at]);
	return r;
}

int test_main(int argc, char **argv) {
	exit_failure = 2;
	v = argv, n = argc, at = 1;
	if (strcmp(base_of(argv[0]), "[") == 0) {
		if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "--version") == 0))
			opt_next(argc, argv, "", NULL);
		if (argc < 2 || strcmp(argv[argc - 1], "]"))
			die(2, "missing %s", quote("]"));
		n--;
	}
	return !evaluate();
}
