// awk: tokens.
#include "awk.h"

void awk_fatal(awk *w, const char *fmt, ...) {
	va_list ap;
	va_start(ap, fmt);
	int parsing = w->g == NULL || w->parsing || !strncmp(fmt, "error", 5);
	fflush(stdout);
	fprintf(stderr, "awk: %s:%d: ", w->srcname ? w->srcname : "cmd. line", w->line);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(parsing ? 1 : 2);
}

static int hexv(int c) {
	if (tx_isdigit(c))
		return c - '0';
	c = tx_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void awk_unescape(awk *w, const char *s, size_t n, buf *out) {
	static const char from[] = "abfnrtv\\\"/", to[] = "\a\b\f\n\r\t\v\\\"/";
	for (size_t i = 0; i < n; i++) {
		if (s[i] != '\\' || i + 1 >= n) {
			buf_chr(out, s[i]);
			continue;
		}
		int c = (unsigned char)s[++i];
		const char *e = c ? strchr(from, c) : NULL;
		if (e)
			buf_chr(out, to[e - from]);
		else if (c >= '0' && c <= '7') {
			int v = 0, k = 0;
			for (; k < 3 && i < n && s[i] >= '0' && s[i] <= '7'; k++)
				v = v * 8 + s[i++] - '0';
			i--;
			buf_chr(out, v);
		} else if (c == 'x' && i + 1 < n && hexv((unsigned char)s[i + 1]) >= 0) {
			int v = 0;
			for (int k = 0; k < 2 && i + 1 < n && hexv((unsigned char)s[i + 1]) >= 0; k++)
				v = v * 16 + hexv((unsigned char)s[++i]);
			buf_chr(out, v);
		} else if (c == '\n')
			continue;
		else {
			if (strchr("|^$.*+?()[]{}-", c) || (c && strchr("yBwWsS<>`'&", c)))
				buf_chr(out, '\\'); // kept for a regular expression
			buf_chr(out, c);
		}
	}
	(void)w;
}

static const struct {
	const char *name;
	int tok, id;
} words[] = {{"BEGIN", T_BEGIN, 0}, {"END", T_END, 0}, {"BEGINFILE", T_BEGINFILE, 0}, {"ENDFILE", T_ENDFILE, 0}, {"function", T_FUNCTION, 0}, {"func", T_FUNCTION, 0}, {"if", T_IF, 0}, {"else", T_ELSE, 0},
	{"while", T_WHILE, 0}, {"for", T_FOR, 0}, {"do", T_DO, 0}, {"break", T_BREAK, 0}, {"continue", T_CONTINUE, 0}, {"next", T_NEXT, 0}, {"nextfile", T_NEXTFILE, 0},
	{"exit", T_EXIT, 0}, {"return", T_RETURN, 0}, {"delete", T_DELETE, 0}, {"in", T_IN, 0}, {"getline", T_GETLINE, 0}, {"print", T_PRINT, 0}, {"printf", T_PRINTF, 0},
	{"switch", T_SWITCH, 0}, {"case", T_CASE, 0}, {"default", T_DEFAULT, 0},
	{"length", T_BUILTIN, B_LENGTH}, {"substr", T_BUILTIN, B_SUBSTR}, {"index", T_BUILTIN, B_INDEX}, {"split", T_BUILTIN, B_SPLIT}, {"sub", T_BUILTIN, B_SUB},
	{"gsub", T_BUILTIN, B_GSUB}, {"gensub", T_BUILTIN, B_GENSUB}, {"match", T_BUILTIN, B_MATCH}, {"sprintf", T_BUILTIN, B_SPRINTF}, {"sin", T_BUILTIN, B_SIN},
	{"cos", T_BUILTIN, B_COS}, {"atan2", T_BUILTIN, B_ATAN2}, {"exp", T_BUILTIN, B_EXP}, {"log", T_BUILTIN, B_LOG}, {"sqrt", T_BUILTIN, B_SQRT}, {"int", T_BUILTIN, B_INT},
	{"rand", T_BUILTIN, B_RAND}, {"srand", T_BUILTIN, B_SRAND}, {"tolower", T_BUILTIN, B_TOLOWER}, {"toupper", T_BUILTIN, B_TOUPPER}, {"system", T_BUILTIN, B_SYSTEM},
	{"close", T_BUILTIN, B_CLOSE}, {"fflush", T_BUILTIN, B_FFLUSH}, {"strftime", T_BUILTIN, B_STRFTIME}, {"mktime", T_BUILTIN, B_MKTIME}, {"systime", T_BUILTIN, B_SYSTIME},
	{"and", T_BUILTIN, B_AND}, {"or", T_BUILTIN, B_OR}, {"xor", T_BUILTIN, B_XOR}, {"lshift", T_BUILTIN, B_LSHIFT}, {"rshift", T_BUILTIN, B_RSHIFT}, {"compl", T_BUILTIN, B_COMPL},
	{"strtonum", T_BUILTIN, B_STRTONUM}, {"asort", T_BUILTIN, B_ASORT}, {"asorti", T_BUILTIN, B_ASORTI}, {"typeof", T_BUILTIN, B_TYPEOF}, {"isarray", T_BUILTIN, B_ISARRAY}};

static void word(awk *w) {
	const char *s = w->p, *e = w->src + w->nsrc;
	while (w->p < e && (tx_isalnum((unsigned char)*w->p) || *w->p == '_'))
		w->p++;
	size_t n = (size_t)(w->p - s);
	free(w->tokname);
	w->tokname = tx_memdup(s, n);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (!strcmp(words[i].name, w->tokname)) {
			w->tok = words[i].tok;
			w->tokid = words[i].id;
			return;
		}
	w->tok = w->p < e && *w->p == '(' ? T_FUNCNAME : T_NAME;
}

static void string(awk *w) {
	const char *e = w->src + w->nsrc, *s = ++w->p;
	while (w->p < e && *w->p != '"') {
		if (*w->p == '\n')
			awk_fatal(w, "unterminated string");
		if (*w->p == '\\' && w->p + 1 < e) {
			w->p++;
			if (*w->p == '\n')
				w->line++;
		}
		w->p++;
	}
	if (w->p >= e) {
		w->p = s;
		const char *l = s;
		while (l > w->src && l[-1] != '\n')
			l--;
		awk_fatal(w, "%.*s\nawk: %s:%d: %*s^ unterminated string", (int)(e - l), l, w->srcname ? w->srcname : "cmd. line", w->line, (int)(s - l) - 1, "");
	}
	buf b = {0};
	awk_unescape(w, s, (size_t)(w->p - s), &b);
	cell_set(&w->tokv, cell_str(b.p ? b.p : "", b.n));
	buf_free(&b);
	w->p++;
	w->tok = T_STR;
}

static void regex(awk *w) {
	const char *e = w->src + w->nsrc, *s = w->p;
	int br = 0;
	for (; w->p < e && (*w->p != '/' || br); w->p++) {
		if (*w->p == '\n')
			awk_fatal(w, "unterminated regexp");
		if (*w->p == '\\' && w->p + 1 < e)
			w->p++;
		else if (!br && *w->p == '[') {
			br = 1;
			if (w->p + 1 < e && w->p[1] == '^')
				w->p++;
			if (w->p + 1 < e && w->p[1] == ']')
				w->p++;
		} else if (br && *w->p == '[' && w->p + 1 < e && w->p[1] == ':') {
			const char *q = w->p + 2;
			while (q + 1 < e && *q != '\n' && !(*q == ':' && q[1] == ']'))
				q++;
			if (q + 1 < e && *q == ':')
				w->p = q + 1;
		} else if (br && *w->p == ']')
			br = 0;
	}
	if (w->p >= e)
		awk_fatal(w, "unterminated regexp");
	cell_set(&w->tokv, cell_str(s, (size_t)(w->p - s)));
	w->p++;
	w->tok = T_ERE;
}

static void number(awk *w) {
	const char *s = w->p, *e = w->src + w->nsrc;
	if (*s == '0' && e - s > 2 && tx_lower((unsigned char)s[1]) == 'x' && hexv((unsigned char)s[2]) >= 0) {
		double v = 0;
		for (w->p += 2; w->p < e && hexv((unsigned char)*w->p) >= 0; w->p++)
			v = v * 16 + hexv((unsigned char)*w->p);
		cell_set(&w->tokv, cell_num(v));
		w->tok = T_NUM;
		return;
	}
	while (w->p < e && tx_isdigit((unsigned char)*w->p))
		w->p++;
	if (w->p < e && *w->p == '.')
		for (w->p++; w->p < e && tx_isdigit((unsigned char)*w->p);)
			w->p++;
	if (w->p < e && tx_lower((unsigned char)*w->p) == 'e') {
		const char *q = w->p + 1;
		if (q < e && (*q == '+' || *q == '-'))
			q++;
		if (q < e && tx_isdigit((unsigned char)*q)) {
			while (q < e && tx_isdigit((unsigned char)*q))
				q++;
			w->p = q;
		}
	}
	double v = str_num(s, (size_t)(w->p - s));
	if (*s == '0' && strspn(s, "01234567") == (size_t)(w->p - s)) // octal
		v = (double)strtoull(s, NULL, 8);
	cell_set(&w->tokv, cell_num(v));
	w->tok = T_NUM;
}

// value_before: an operand ended just now, so a slash divides.
static int value_before(int t) {
	return t == T_NUM || t == T_STR || t == T_NAME || t == T_ERE || t == ')' || t == ']' || t == '$' || t == T_BUILTIN || t == T_INC || t == T_DEC;
}

static void operator(awk *w) {
	static const struct {
		char s[4];
		int tok;
	} ops[] = {{"**=", T_POWA}, {"+=", T_ADDA}, {"-=", T_SUBA}, {"*=", T_MULA}, {"/=", T_DIVA}, {"%=", T_MODA}, {"^=", T_POWA}, {"&&", T_AND}, {"||", T_OR}, {"!~", T_NOMATCH},
		{"<=", T_LE}, {">=", T_GE}, {"==", T_EQ}, {"!=", T_NE}, {"++", T_INC}, {"--", T_DEC}, {">>", T_APPEND}, {"**", '^'}};
	size_t left = (size_t)(w->src + w->nsrc - w->p);
	for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
		size_t n = strlen(ops[i].s);
		if (n <= left && !memcmp(w->p, ops[i].s, n)) {
			w->p += n;
			w->tok = ops[i].tok;
			return;
		}
	}
	int c = (unsigned char)*w->p++;
	if (!c || !strchr("{}()[];,+-*/%^!<>|?:~$=&@", c))
		awk_fatal(w, "syntax error: unexpected character '%c'", c);
	w->tok = c;
}

void awk_lex(awk *w) {
	const char *e = w->src + w->nsrc;
	w->prevtok = w->tok;
	for (;;) {
		while (w->p < e && (*w->p == ' ' || *w->p == '\t' || *w->p == '\r' || (*w->p == '\\' && w->p + 1 < e && (w->p[1] == '\n' || (w->p[1] == '\r' && w->p + 2 < e && w->p[2] == '\n'))))) {
			if (*w->p == '\\') {
				w->line++;
				w->p += w->p[1] == '\r' ? 2 : 1;
			}
			w->p++;
		}
		if (w->p < e && *w->p == '#') {
			while (w->p < e && *w->p != '\n')
				w->p++;
		}
		break;
	}
	if (w->p >= e) {
		w->tok = T_EOF;
		return;
	}
	int c = (unsigned char)*w->p;
	if (c == '\n') {
		w->p++;
		w->line++;
		w->tok = T_NL;
	} else if (tx_isalpha(c) || c == '_')
		word(w);
	else if (tx_isdigit(c) || (c == '.' && w->p + 1 < e && tx_isdigit((unsigned char)w->p[1])))
		number(w);
	else if (c == '"')
		string(w);
	else if (c == '/' && !value_before(w->prevtok)) {
		w->p++;
		regex(w);
	} else
		operator(w);
}
