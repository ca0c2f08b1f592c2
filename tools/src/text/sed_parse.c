// sed: the script.
#include "sed.h"

static void bad(sed *s, const char *fmt, ...) __attribute__((format(printf, 2, 3), noreturn));
static void bad(sed *s, const char *fmt, ...) {
	va_list ap;
	va_start(ap, fmt);
	if (s->file)
		fprintf(stderr, "sed: file %s line %d: ", s->file, s->line);
	else
		fprintf(stderr, "sed: -e expression #%d, char %d: ", s->expr, (int)(s->cur - s->base));
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

static int get(sed *s) {
	if (s->cur >= s->end)
		return -1;
	if (*s->cur == '\n')
		s->line++;
	return (unsigned char)*s->cur++;
}

static void unget(sed *s, int c) {
	if (c < 0)
		return;
	if (c == '\n')
		s->line--;
	s->cur--;
}

static int peek(sed *s) { return s->cur < s->end ? (unsigned char)*s->cur : -1; }

static int skip_blank(sed *s) {
	int c;
	while ((c = get(s)) >= 0 && c != '\n' && tx_isspace(c))
		;
	return c;
}

static int skip_space(sed *s) {
	int c;
	while ((c = get(s)) >= 0 && tx_isspace(c))
		;
	return c;
}

static uint64_t number(sed *s, int c) {
	uint64_t v = 0;
	for (; c >= '0' && c <= '9'; c = get(s))
		v = v > UINT64_MAX / 10 - 10 ? v : v * 10 + (uint64_t)(c - '0');
	unget(s, c);
	return v;
}

// bracket copies a bracket expression, in which the delimiter is a plain character; 0 when it does not end.
static int bracket(sed *s, buf *out) {
	const char *p = s->cur;
	buf b = {0};
	buf_chr(&b, '[');
	if (p < s->end && *p == '^')
		buf_chr(&b, *p++);
	if (p < s->end && *p == ']')
		buf_chr(&b, *p++);
	while (p < s->end && *p != ']' && *p != '\n') {
		if (*p == '[' && p + 1 < s->end && strchr(":.=", p[1])) {
			char k = p[1];
			const char *q = p + 2;
			while (q + 1 < s->end && *q != '\n' && !(*q == k && q[1] == ']'))
				q++;
			if (q + 1 < s->end && *q == k) {
				buf_add(&b, p, (size_t)(q + 2 - p));
				p = q + 2;
				continue;
			}
		}
		buf_chr(&b, *p++);
	}
	int ok = p < s->end && *p == ']';
	if (ok)
		p++;
	buf_chr(&b, ']');
	buf_add(out, b.p, b.n);
	buf_free(&b);
	s->cur = p;
	return ok;
}

// delimited reads up to an unescaped delimiter; 0 when it is missing. In a regular expression \delim becomes the
// delimiter itself and \newline stays; in a replacement newlines may be escaped.
static int delimited(sed *s, int delim, int regex, buf *out) {
	int c;
	while ((c = get(s)) >= 0) {
		if (c == delim)
			return 1;
		if (regex && c == '[') {
			if (!bracket(s, out))
				return 0;
			continue;
		}
		if (c == '\\') {
			c = get(s);
			if (c < 0)
				return 0;
			if (c == delim) {
				// a delimiter that is an operator when escaped stays the plain character
				if (!regex && (c == '&' || (c >= '0' && c <= '9') || c == 'n'))
					buf_chr(out, '\\');
				else if (regex && strchr("[]^$.*", c))
					buf_chr(out, '\\');
			} else if (c == 'n' && regex) {
				c = '\n';
				buf_chr(out, c);
				continue;
			} else if (c != '\n' || !regex)
				buf_chr(out, '\\');
		} else if (c == '\n' && regex)
			return 0;
		buf_chr(out, c);
	}
	return 0;
}

static int hexv(int c) {
	if (tx_isdigit(c))
		return c - '0';
	c = tx_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int based(const char **pp, const char *e, int base, int max) {
	int v = 0, k = 0;
	const char *p = *pp;
	for (; k < max && p < e && hexv((unsigned char)*p) >= 0 && hexv((unsigned char)*p) < base; k++, p++)
		v = v * base + hexv((unsigned char)*p);
	if (!k)
		return -1;
	*pp = p;
	return v & 255;
}

// special_byte decodes the escape at *pp (after the backslash); -1 when it is not one of these.
static int special_byte(const char **pp, const char *e) {
	const char *p = *pp;
	if (p >= e)
		return -1;
	int v = -1;
	switch (*p++) {
	case 'a': v = '\a'; break;
	case 'f': v = '\f'; break;
	case 'n': v = '\n'; break;
	case 'r': v = '\r'; break;
	case 't': v = '\t'; break;
	case 'v': v = '\v'; break;
	case 'c':
		if (p < e)
			v = tx_upper((unsigned char)*p++) ^ 64;
		break;
	case 'd': v = based(&p, e, 10, 3); break;
	case 'o': v = based(&p, e, 8, 3); break;
	case 'x': v = based(&p, e, 16, 2); break;
	}
	if (v >= 0)
		*pp = p;
	return v;
}

// regex_escapes turns sed's byte escapes into bytes.
static void regex_escapes(const buf *in, buf *out) {
	const char *p = in->p, *e = p + in->n;
	int bracket = 0;
	for (; p < e; p++) {
		if (*p == '\\' && p + 1 < e) {
			const char *q = p + 1;
			int v = special_byte(&q, e);
			if (v >= 0) {
				buf_chr(out, v);
				p = q - 1;
				continue;
			}
			buf_chr(out, *p);
			if (!bracket)
				buf_chr(out, *++p);
			continue;
		}
		buf_chr(out, *p);
		if (!bracket && *p == '[') {
			bracket = 1;
			if (p + 1 < e && p[1] == '^')
				buf_chr(out, *++p);
			if (p + 1 < e && p[1] == ']')
				buf_chr(out, *++p);
		} else if (bracket && *p == '[' && p + 1 < e && (p[1] == ':' || p[1] == '.' || p[1] == '=')) {
			char k = p[1];
			buf_chr(out, *++p);
			while (p + 2 < e && !(p[1] == k && p[2] == ']'))
				buf_chr(out, *++p);
			for (int i = 0; i < 2 && p + 1 < e; i++)
				buf_chr(out, *++p);
		} else if (bracket && *p == ']')
			bracket = 0;
	}
}

static re *compile(sed *s, const buf *pat, int icase, int multi) {
	if (!pat->n)
		return NULL; // the last one used
	buf b = {0};
	const char *err = NULL;
	regex_escapes(pat, &b);
	re *r = re_compile(b.p ? b.p : "", b.n, (s->ere ? RE_ERE | RE_POSIXOPS : 0) | (icase ? RE_ICASE : 0) | (multi ? RE_NEWLINE : 0), &err);
	if (!r)
		bad(s, "%s", err);
	buf_free(&b);
	return r;
}

static int address(sed *s, addr *a, int second) {
	memset(a, 0, sizeof *a);
	int c = get(s);
	if (c == '/' || c == '\\') {
		buf b = {0};
		int icase = 0, multi = 0;
		if (c == '\\' && (c = get(s)) < 0)
			bad(s, "unexpected `,'");
		if (!delimited(s, c, 1, &b))
			bad(s, "unterminated address regex");
		for (;;) {
			c = get(s);
			if (c == 'I')
				icase = 1;
			else if (c == 'M')
				multi = 1;
			else
				break;
		}
		unget(s, c);
		a->type = AD_RE;
		a->re = compile(s, &b, icase, multi);
		buf_free(&b);
		return 1;
	}
	if (tx_isdigit(c)) {
		a->a = number(s, c);
		a->type = AD_NUM;
		int k = skip_blank(s);
		if (k == '~' && !second) {
			k = skip_blank(s);
			a->b = tx_isdigit(k) ? number(s, k) : (unget(s, k), 0);
			a->type = AD_STEP;
		} else
			unget(s, k);
		return 1;
	}
	if (second && (c == '+' || c == '~')) {
		int k = skip_blank(s);
		a->type = c == '+' ? AD_PLUS : AD_MULT;
		if (!tx_isdigit(k))
			bad(s, "expected number");
		a->a = number(s, k);
		return 1;
	}
	if (c == '$') {
		a->type = AD_LAST;
		return 1;
	}
	unget(s, c);
	return 0;
}

static void end_of_cmd(sed *s) {
	int c = skip_blank(s);
	if (c == '}' || c == '#')
		unget(s, c);
	else if (c >= 0 && c != '\n' && c != ';')
		bad(s, "extra characters after command");
}

outfile *sed_out(sed *s, const char *name) {
	for (size_t i = 0; i < s->nouts; i++)
		if (!strcmp(s->outs[i]->name, name))
			return s->outs[i];
	outfile *o = tx_alloc(sizeof *o);
	o->name = name;
	if (!strcmp(name, "/dev/stdout"))
		o->f = stdout;
	else if (!strcmp(name, "/dev/stderr"))
		o->f = stderr;
	else if (tx_fopen_w(name, 0, &o->f)) {
		fprintf(stderr, "sed: couldn't open file %s: %s\n", name, tx_strerror(errno));
		exit(4);
	}
	s->outs = tx_array(s->outs, &s->couts, s->nouts + 1, sizeof *s->outs);
	s->outs[s->nouts++] = o;
	return o;
}

static char *filename(sed *s) {
	buf b = {0};
	int c = skip_blank(s);
	for (; c >= 0 && c != '\n'; c = get(s))
		buf_chr(&b, c);
	if (!b.n)
		bad(s, "missing filename in r/R/w/W commands");
	buf_z(&b);
	return b.p;
}

static char *label(sed *s, int semi) {
	buf b = {0};
	int c = skip_blank(s);
	for (; c >= 0 && c != '\n' && !tx_isspace(c) && !(semi && c == ';'); c = get(s))
		buf_chr(&b, c);
	unget(s, c);
	buf_z(&b);
	return b.p;
}

// text_lines reads the text of a, i, c from where it begins.
static void text_lines(sed *s, cmd *c, int lead) {
	buf b = {0};
	int k = get(s);
	if (lead) { // one-liner: leading blanks go, unless kept by a backslash
		while (k >= 0 && k != '\n' && tx_isspace(k))
			k = get(s);
		if (k == '\\') {
			int n = get(s);
			if (n >= 0 && n != '\n' && tx_isblank(n))
				k = n;
			else {
				unget(s, n);
			}
		}
	}
	for (; k >= 0 && k != '\n'; k = get(s)) {
		if (k == '\\') {
			const char *p = s->cur;
			int v = special_byte(&p, s->end);
			if (v >= 0) {
				buf_chr(&b, v);
				s->cur = p;
				continue;
			}
			k = get(s);
			if (k < 0)
				break;
		}
		buf_chr(&b, k);
	}
	buf_chr(&b, '\n');
	c->text = b.p;
	c->len = b.n;
}

static void text(sed *s, cmd *c) {
	int k = skip_blank(s);
	if (k < 0)
		bad(s, "expected \\ after `a', `c' or `i'");
	if (k == '\\') {
		const char *after = s->cur;
		k = skip_blank(s);
		if (k < 0) {
			s->pending = 1;
			return;
		}
		if (k != '\n')
			s->cur = after; // a\text
		text_lines(s, c, 0);
		return;
	}
	if (k == '\n')
		bad(s, "expected \\ after `a', `c' or `i'");
	unget(s, k);
	text_lines(s, c, 1);
}

static void add_part(subst *u, int kind, int n, const char *p, size_t len) {
	if (kind == R_TEXT && !len)
		return;
	u->parts = tx_array(u->parts, &u->cparts, u->nparts + 1, sizeof *u->parts);
	u->parts[u->nparts++] = (part){kind, n, kind == R_TEXT ? tx_memdup(p, len) : NULL, len};
	if (kind == R_GROUP && n > u->maxref)
		u->maxref = n;
}

static void replacement(subst *u, const buf *r) {
	buf t = {0};
	const char *p = r->p, *e = p + r->n;
	for (; p < e; p++) {
		int kind = -1, n = 0;
		if (*p == '&')
			kind = R_GROUP;
		else if (*p == '\\' && p + 1 < e) {
			const char *q = p + 1;
			int v;
			if (tx_isdigit((unsigned char)*q))
				kind = R_GROUP, n = *q - '0';
			else if (strchr("ULEul", *q))
				kind = R_CASE, n = *q;
			else if ((v = special_byte(&q, e)) >= 0) {
				buf_chr(&t, v);
				p = q - 1;
				continue;
			} else {
				buf_chr(&t, *q);
				p = q;
				continue;
			}
			p++;
		}
		if (kind < 0) {
			buf_chr(&t, *p);
			continue;
		}
		add_part(u, R_TEXT, 0, t.p, t.n);
		t.n = 0;
		add_part(u, kind, n, NULL, 0);
	}
	add_part(u, R_TEXT, 0, t.p, t.n);
	buf_free(&t);
}

static void subst_flags(sed *s, subst *u, int *icase, int *multi) {
	for (;;) {
		int c = get(s);
		switch (c) {
		case 'i': case 'I': *icase = 1; break;
		case 'm': case 'M': *multi = 1; break;
		case 'e': u->eval = 1; break;
		case 'p':
			if (u->print)
				bad(s, "multiple `p' options to `s' command");
			u->print = u->eval ? 2 : 1;
			break;
		case 'g':
			if (u->global)
				bad(s, "multiple `g' options to `s' command");
			u->global = 1;
			break;
		case 'w': {
			char *f = filename(s);
			u->out = sed_out(s, f);
			return;
		}
		case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9':
			if (u->number)
				bad(s, "multiple number options to `s' command");
			u->number = number(s, c);
			if (!u->number)
				bad(s, "number option to `s' command may not be zero");
			break;
		case '}': case '#': unget(s, c); return;
		case '\n': case ';': case -1: return;
		case ' ': case '\t': case '\r':
			if (c == '\r' && peek(s) != '\n')
				bad(s, "unknown option to `s'");
			break;
		default: bad(s, "unknown option to `s'");
		}
	}
}

static void substitute(sed *s, cmd *c) {
	buf pat = {0}, rep = {0};
	subst *u = c->sub = tx_alloc(sizeof *u);
	int d = get(s), icase = 0, multi = 0;
	if (d < 0 || d == '\n' || d == '\\' || !delimited(s, d, 1, &pat) || !delimited(s, d, 0, &rep))
		bad(s, "unterminated `s' command");
	replacement(u, &rep);
	subst_flags(s, u, &icase, &multi);
	u->re = compile(s, &pat, icase, multi);
	if (u->re && u->maxref > re_nsub(u->re))
		bad(s, "invalid reference \\%d on `s' command's RHS", u->maxref);
	buf_free(&pat);
	buf_free(&rep);
}

static void y_string(sed *s, int d, buf *out) {
	buf raw = {0};
	int c;
	for (;;) {
		c = get(s);
		if (c < 0 || c == '\n')
			bad(s, "unterminated `y' command");
		if (c == d)
			break;
		if (c != '\\') {
			buf_chr(out, c);
			continue;
		}
		c = get(s);
		if (c == d || c == '\\')
			buf_chr(out, c);
		else if (c < 0)
			bad(s, "unterminated `y' command");
		else {
			const char *p = s->cur - 1;
			int v = special_byte(&p, s->end);
			if (v < 0) {
				if (c != '\n')
					buf_chr(out, '\\');
				buf_chr(out, c);
			} else {
				buf_chr(out, v);
				s->cur = p;
			}
		}
	}
	buf_free(&raw);
}

static void translate(sed *s, cmd *c) {
	buf a = {0}, b = {0};
	int d = get(s);
	if (d < 0 || d == '\n' || d == '\\')
		bad(s, "unterminated `y' command");
	y_string(s, d, &a);
	y_string(s, d, &b);
	if (a.n != b.n)
		bad(s, "strings for `y' command are different lengths");
	c->map = tx_alloc(256);
	for (int i = 0; i < 256; i++)
		c->map[i] = (unsigned char)i;
	for (size_t i = a.n; i-- > 0;)
		c->map[(unsigned char)a.p[i]] = (unsigned char)b.p[i];
	buf_free(&a);
	buf_free(&b);
	end_of_cmd(s);
}

static void int_arg(sed *s, cmd *c) {
	int k = skip_blank(s);
	c->num = -1;
	if (tx_isdigit(k))
		c->num = (int64_t)(number(s, k) & INT32_MAX);
	else
		unget(s, k);
	end_of_cmd(s);
}

static void body(sed *s, cmd *c) {
	switch (c->c) {
	case '#':
		if (c->a1.type)
			bad(s, "comments don't accept any addresses");
		break;
	case '{':
		s->blocks = tx_array(s->blocks, &s->cblocks, s->nblocks + 1, sizeof *s->blocks);
		s->blocks[s->nblocks++] = s->n - 1;
		break;
	case '}':
		if (!s->nblocks)
			bad(s, "unexpected `}'");
		if (c->a1.type)
			bad(s, "} doesn't want any addresses");
		s->c[s->blocks[--s->nblocks]].target = s->n - 1;
		end_of_cmd(s);
		break;
	case 'a': case 'i': case 'c': text(s, c); break;
	case ':':
		if (c->a1.type)
			bad(s, ": doesn't want any addresses");
		c->text = label(s, 1);
		if (!*c->text)
			bad(s, "\":\" lacks a label");
		s->labels = tx_array(s->labels, &s->clabels, s->nlabels + 1, sizeof *s->labels);
		s->labels[s->nlabels].name = c->text;
		s->labels[s->nlabels++].at = s->n - 1;
		break;
	case 'b': case 't': case 'T':
		c->text = label(s, 1);
		if (strchr(c->text, '}') && c->text[strlen(c->text) - 1] == '}') { // b}: the brace closes the block
			size_t n = strlen(c->text);
			while (n && c->text[n - 1] == '}')
				n--, s->cur--;
			c->text[n] = 0;
		}
		end_of_cmd(s);
		break;
	case 'r': c->text = filename(s); break;
	case 'R':
		c->text = filename(s);
		c->rin = tx_alloc(sizeof *c->rin);
		if (tx_open(c->rin, strcmp(c->text, "/dev/stdin") ? c->text : "-"))
			c->rin->eof = 1;
		break;
	case 'w': case 'W':
		c->text = filename(s);
		c->out = sed_out(s, c->text);
		break;
	case 'e': {
		buf b = {0};
		int k = skip_blank(s);
		for (; k >= 0 && k != '\n'; k = get(s))
			buf_chr(&b, k);
		c->len = b.n;
		c->text = b.p;
		break;
	}
	case 's': substitute(s, c); break;
	case 'y': translate(s, c); break;
	case 'q': case 'Q':
		if (c->a2.type)
			bad(s, "command only uses one address");
		int_arg(s, c);
		break;
	case 'l': case 'L': int_arg(s, c); break;
	case '=': case 'd': case 'D': case 'F': case 'g': case 'G': case 'h': case 'H': case 'n': case 'N': case 'p': case 'P': case 'z': case 'x':
		end_of_cmd(s);
		break;
	case 'v':
		free(label(s, 1));
		end_of_cmd(s);
		break;
	default: bad(s, "unknown command: `%c'", c->c);
	}
}

// command parses one; 0 at the end of the chunk.
static int command(sed *s) {
	int k;
	while ((k = get(s)) >= 0 && (k == ';' || tx_isspace(k)))
		;
	if (k < 0)
		return 0;
	if (k == '#') {
		if (s->cur - s->base == 1 && s->expr <= 1 && s->n == 0 && peek(s) == 'n' && (s->cur + 1 == s->end || s->cur[1] == '\n'))
			s->quiet = 1;
		while ((k = get(s)) >= 0 && k != '\n')
			;
		return 1;
	}
	unget(s, k);
	s->c = tx_array(s->c, &s->cap, s->n + 1, sizeof *s->c);
	cmd *c = &s->c[s->n++];
	memset(c, 0, sizeof *c);
	if (address(s, &c->a1, 0)) {
		k = skip_blank(s);
		if (k == ',') {
			k = skip_space(s);
			unget(s, k);
			if (!address(s, &c->a2, 1)) {
				get(s);
				bad(s, "unexpected `,'");
			}
			k = skip_blank(s);
		}
		if (c->a1.type == AD_NUM && c->a1.a == 0) {
			if (c->a2.type != AD_RE)
				bad(s, "invalid usage of line address 0");
			c->a1.type = AD_ZERO;
			c->active = 1;
		}
	} else
		k = skip_blank(s);
	while (k == '!') {
		if (c->neg)
			bad(s, "multiple `!'s");
		c->neg = 1;
		k = skip_space(s);
	}
	if (k < 0 || k == '\n')
		bad(s, "missing command");
	c->c = k;
	body(s, c);
	return 1;
}

void sed_chunk(sed *s, const char *p, size_t n, const char *file) {
	s->base = s->cur = p;
	s->end = p + n;
	s->file = file;
	s->line = 1;
	if (!file)
		s->expr++;
	if (s->pending) {
		s->pending = 0;
		text_lines(s, &s->c[s->n - 1], 0);
	}
	while (command(s))
		;
}

void sed_finish(sed *s) {
	if (s->pending)
		bad(s, "expected \\ after `a', `c' or `i'");
	if (s->nblocks) {
		s->cur = s->base;
		bad(s, "unmatched `{'");
	}
	for (size_t i = 0; i < s->n; i++) {
		cmd *c = &s->c[i];
		if (!c->c || !strchr("btT", c->c))
			continue;
		c->target = s->n;
		if (!*c->text)
			continue;
		size_t k;
		for (k = 0; k < s->nlabels && strcmp(s->labels[k].name, c->text); k++)
			;
		if (k == s->nlabels) {
			fprintf(stderr, "sed: can't find label for jump to `%s'\n", c->text);
			exit(4);
		}
		c->target = s->labels[k].at;
	}
}
