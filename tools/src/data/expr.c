/* expr */
#include "tool.h"

#include <regex.h>

const char expr_help[] = " EXPRESSION\n"
    "Print the value of EXPRESSION to standard output.\n\n"
    "  ARG1 | ARG2   ARG1 & ARG2   < <= = != >= >   + - * / %   STRING : REGEXP\n"
    "  match STRING REGEXP   substr STRING POS LENGTH   index STRING CHARS   length STRING   + TOKEN   ( EXPRESSION )\n"
    "\nExit status is 0 if EXPRESSION is neither null nor 0, 1 if it is, 2 if it is invalid, 3 if an error occurred.\n";

static char **args;
static int depth;

static char *or_(bool eval);

static NORETURN void bad_syntax(void) {
	if (!*args)
		die(2, "syntax error: missing argument after %s", quote(args[-1]));
	die(2, "syntax error: unexpected argument %s", quote(*args));
}

static bool next_is(const char *word) {
	if (!*args || strcmp(*args, word))
		return false;
	args++;
	return true;
}

static bool is_number(const char *s) {
	s += *s == '-';
	if (!*s)
		return false;
	while (*s >= '0' && *s <= '9')
		s++;
	return !*s;
}

/* GNU's expr counts without bounds; 127 bits are what this one has before it says that a result is out of range. */
typedef __int128 num;

static num to_number(const char *s) {
	if (!is_number(s))
		die(2, "non-integer argument");
	bool negative = *s == '-';
	num v = 0;
	for (const char *p = s + negative; *p; p++)
		if (__builtin_mul_overflow(v, (num)10, &v) || __builtin_add_overflow(v, (num)(*p - '0'), &v))
			die(3, "%s: %s", s, errtext(ERANGE));
	return negative ? -v : v;
}

static char *from_number(num v) {
	char out[48], *p = out + sizeof out;
	bool negative = v < 0;
	*--p = 0;
	do {
		int digit = (int)(v % 10);
		*--p = (char)('0' + (digit < 0 ? -digit : digit));
	} while (v /= 10);
	if (negative)
		*--p = '-';
	return xstrdup(p);
}

static bool is_null(const char *s) {
	if (!*s)
		return true;
	s += *s == '-';
	if (!*s)
		return false;
	while (*s == '0')
		s++;
	return !*s;
}

/* STRING : REGEXP, anchored at the start. */
static char *match(const char *s, const char *pattern) {
	regex_t re;
	regmatch_t m[2];
	bool has_group = strstr(pattern, "\\(") != NULL;
	int e = regcomp(&re, pattern, 0);
	if (e) {
		char text[128];
		regerror(e, &re, text, sizeof text);
		die(2, "%s", text);
	}
	bool hit = regexec(&re, s, 2, m, 0) == 0;
	/* POSIX's regexec finds the leftmost match; only one at the start counts, so look for it with a ^ in front if need be. */
	if (hit && m[0].rm_so != 0) {
		regfree(&re);
		char *front = xasprintf("^%s", pattern);
		if (regcomp(&re, front, 0))
			die(2, "invalid regular expression");
		hit = regexec(&re, s, 2, m, 0) == 0 && m[0].rm_so == 0;
		free(front);
	}
	char *out;
	if (has_group)
		out = hit && m[1].rm_so >= 0 ? xstrndup(s + m[1].rm_so, (size_t)(m[1].rm_eo - m[1].rm_so)) : xstrdup("");
	else
		out = from_number(hit ? m[0].rm_eo : 0);
	regfree(&re);
	return out;
}

static char *primary(bool eval) {
	if (!*args)
		die(2, "syntax error: missing argument after %s", quote(args[-1]));
	if (next_is("(")) {
		if (++depth > 1000)
			die(3, "expression too deep");
		char *v = or_(eval);
		depth--;
		if (!*args)
			die(2, "syntax error: expecting ')' after %s", quote(args[-1]));
		if (!next_is(")"))
			die(2, "syntax error: expecting ')' instead of %s", quote(*args));
		return v;
	}
	if (strcmp(*args, ")") == 0)
		die(2, "syntax error: unexpected ')'");
	return xstrdup(*args++);
}

static char *word(bool eval) {
	if (next_is("+"))
		return *args ? xstrdup(*args++) : (bad_syntax(), NULL);
	if (next_is("length")) {
		char *s = word(eval), *v = from_number((num)strlen(s));
		free(s);
		return v;
	}
	if (next_is("match")) {
		char *s = word(eval), *p = word(eval), *v = eval ? match(s, p) : xstrdup(s);
		free(s), free(p);
		return v;
	}
	if (next_is("index")) {
		char *s = word(eval), *set = word(eval);
		size_t at = strcspn(s, set);
		char *v = from_number(s[at] ? (num)at + 1 : 0);
		free(s), free(set);
		return v;
	}
	if (next_is("substr")) {
		char *s = word(eval), *from = word(eval), *n = word(eval), *v = NULL;
		size_t len = strlen(s);
		if (is_number(from) && is_number(n)) {
			long long a = strtoll(from, NULL, 10), k = strtoll(n, NULL, 10);
			if (a > 0 && k > 0 && (unsigned long long)a <= len)
				v = xstrndup(s + a - 1, (unsigned long long)k < len - (size_t)a + 1 ? (size_t)k : len - (size_t)a + 1);
		}
		free(s), free(from), free(n);
		return v ? v : xstrdup("");
	}
	return primary(eval);
}

static char *colon(bool eval) {
	char *l = word(eval);
	while (next_is(":")) {
		char *r = word(eval), *v = eval ? match(l, r) : xstrdup(l);
		free(l), free(r);
		l = v;
	}
	return l;
}

static num calculate(char op, num a, num b) {
	num v = 0;
	bool over;
	switch (op) {
	case '*': over = __builtin_mul_overflow(a, b, &v); break;
	case '+': over = __builtin_add_overflow(a, b, &v); break;
	case '-': over = __builtin_sub_overflow(a, b, &v); break;
	default:
		if (!b)
			die(2, "division by zero");
		over = b == -1 && __builtin_sub_overflow((num)0, a, &v);
		if (!over)
			v = op == '/' ? a / b : a % b;
	}
	if (over)
		die(3, "%s", errtext(ERANGE));
	return v;
}

static char *binary(bool eval, const char *ops, char *(*below)(bool)) {
	char *l = below(eval);
	for (;;) {
		if (!*args || !**args || (*args)[1] || !strchr(ops, **args))
			return l;
		char op = **args++;
		char *r = below(eval);
		if (eval) {
			char *v = from_number(calculate(op, to_number(l), to_number(r)));
			free(l);
			l = v;
		}
		free(r);
	}
}

static char *times(bool eval) { return binary(eval, "*/%", colon); }
static char *plus(bool eval) { return binary(eval, "+-", times); }

static char *compare(bool eval) {
	static const char *const ops[] = {"<", "<=", "=", "==", "!=", ">=", ">"};
	char *l = plus(eval);
	for (;;) {
		size_t op = 0;
		while (op < LEN(ops) && !(*args && strcmp(*args, ops[op]) == 0))
			op++;
		if (op == LEN(ops))
			return l;
		args++;
		char *r = plus(eval);
		if (eval) {
			int order = strcmp(l, r);
			if (is_number(l) && is_number(r)) {
				num a = to_number(l), b = to_number(r);
				order = a < b ? -1 : a > b;
			}
			bool yes[] = {order < 0, order <= 0, !order, !order, order != 0, order >= 0, order > 0};
			free(l);
			l = from_number(yes[op]);
		}
		free(r);
	}
}

static char *and_(bool eval) {
	char *l = compare(eval);
	while (next_is("&")) {
		char *r = compare(eval && !is_null(l));
		if (is_null(l) || is_null(r)) {
			free(l);
			l = xstrdup("0");
		}
		free(r);
	}
	return l;
}

static char *or_(bool eval) {
	char *l = and_(eval);
	while (next_is("|")) {
		char *r = and_(eval && is_null(l));
		if (is_null(l)) {
			free(l);
			l = is_null(r) ? xstrdup("0") : xstrdup(r);
		}
		free(r);
	}
	return l;
}

int expr_main(int argc, char **argv) {
	exit_failure = 3;
	opt_status = 2;
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "--version") == 0))
		opt_next(argc, argv, "+", NULL);
	args = argv + 1;
	if (*args && strcmp(*args, "--") == 0)
		args++;
	if (!*args) {
		warn("missing operand");
		usage(2);
	}
	char *v = or_(true);
	if (*args)
		bad_syntax();
	puts(v);
	return is_null(v);
}
