/* GNU's quoting styles in the C locale: "locale" (quote) and "shell-escape" (quotef, quoteaf). */
#include "tool.h"

static char *ring[8];
static unsigned ring_at;

static char *slot(size_t n) {
	unsigned i = ring_at++ % LEN(ring);
	free(ring[i]);
	return ring[i] = xmalloc(n);
}

static const char escapes[] = "\aa\bb\tt\nn\vv\ff\rr";

static char letter(unsigned char c) {
	for (const char *e = escapes; *e; e += 2)
		if ((unsigned char)*e == c)
			return e[1];
	return 0;
}

static bool printable(unsigned char c) { return c >= ' ' && c < 0x7f; }

static char *put_escape(char *o, unsigned char c) {
	*o++ = '\\';
	if (letter(c)) {
		*o++ = letter(c);
		return o;
	}
	*o++ = '0' + (c >> 6);
	*o++ = '0' + ((c >> 3) & 7);
	*o++ = '0' + (c & 7);
	return o;
}

const char *quote(const char *s) {
	char *b = slot(strlen(s) * 4 + 3), *o = b;
	*o++ = '\'';
	for (; *s; s++) {
		if (*s == '\'' || *s == '\\')
			*o++ = '\\', *o++ = *s;
		else if (printable((unsigned char)*s))
			*o++ = *s;
		else
			o = put_escape(o, (unsigned char)*s);
	}
	*o++ = '\'';
	*o = 0;
	return b;
}

/* Bytes that make a word need quotes: what the shell would take for itself. */
static bool needs_quotes(const char *s, bool colon) {
	if (!*s)
		return true;
	for (const char *p = s; *p; p++) {
		if (strchr(" !\"$&'()*;<=>[\\^`|?", *p) || !printable((unsigned char)*p))
			return true;
		if ((*p == '#' || *p == '~') && p == s)
			return true;
		if ((*p == '{' || *p == '}') && p == s && !p[1])
			return true;
		if (*p == ':' && colon)
			return true;
	}
	return false;
}

static bool double_quotes_do(const char *s) {
	if (!strchr(s, '\''))
		return false;
	for (; *s; s++)
		if (strchr("\"$`\\!", *s) || !printable((unsigned char)*s))
			return false;
	return true;
}

static const char *shell_quote(const char *s) {
	char *b = slot(strlen(s) * 12 + 8), *o = b;
	if (double_quotes_do(s)) {
		sprintf(b, "\"%s\"", s);
		return b;
	}
	bool dollar = false;
	*o++ = '\'';
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		if (!printable(c)) {
			if (!dollar)
				o = stpcpy(o, "'$'");
			dollar = true;
			o = put_escape(o, c);
			continue;
		}
		if (dollar)
			o = stpcpy(o, "''");
		dollar = false;
		if (c == '\'')
			o = stpcpy(o, "'\\''");
		else
			*o++ = (char)c;
	}
	*o++ = '\'';
	*o = 0;
	return b;
}

static const char *bare(const char *s) {
	char *b = slot(strlen(s) + 1);
	return strcpy(b, s);
}

const char *quoteaf(const char *s) { return shell_quote(s); }
const char *quotef(const char *s) { return needs_quotes(s, false) ? shell_quote(s) : bare(s); }
const char *quotef_colon(const char *s) { return needs_quotes(s, true) ? shell_quote(s) : bare(s); }
