// sed: the execution of a script over the input.
#include "sed.h"

typedef struct {
	int kind; // 't' text, 'r' file, 'R' line
	const char *s;
	size_t n;
	int own;
} queued;

typedef struct {
	sed *s;
	char **files;
	int nfiles, at, open, status, replaced, delim;
	tx_in in;
	const char *name;
	uint64_t line;
	buf pat, hold, tmp;
	int nl;       // the pattern space's line had its newline
	outfile main; // where lines go
	char *inplace_tmp, *inplace_dst;
	queued *q;
	size_t nq, cq;
	re *last;
} run;

static void missing(outfile *o) {
	if (o->missing) {
		fputc('\n', o->f);
		o->missing = 0;
	}
}

static void put(run *r, outfile *o, const char *p, size_t n, int nl) {
	if (o->f == stdout && o != &r->main && !r->s->inplace)
		o = &r->main; // one stdout, one missing newline
	missing(o);
	if (n)
		fwrite(p, 1, n, o->f);
	if (nl)
		fputc(r->delim, o->f);
	else
		o->missing = 1;
	if (o != &r->main || r->s->unbuffered)
		fflush(o->f);
}

static void write_failed(const char *name) {
	fprintf(stderr, "sed: couldn't write to %s: %s\n", name, tx_strerror(errno));
	exit(4);
}

static void close_file(run *r) {
	if (r->open)
		tx_close(&r->in);
	r->open = 0;
	if (!r->inplace_tmp)
		return;
	missing(&r->main);
	if (ferror(r->main.f) | fclose(r->main.f))
		write_failed(r->inplace_tmp);
	if (r->s->suffix) {
		buf b = {0};
		const char *slash = strrchr(r->inplace_dst, '/'), *base = slash ? slash + 1 : r->inplace_dst;
		if (strchr(r->s->suffix, '*')) {
			if (!strchr(r->s->suffix, '/') && slash)
				buf_add(&b, r->inplace_dst, (size_t)(base - r->inplace_dst));
			for (const char *p = r->s->suffix; *p; p++)
				if (*p == '*')
					buf_str(&b, base);
				else
					buf_chr(&b, *p);
		} else {
			buf_str(&b, r->inplace_dst);
			buf_str(&b, r->s->suffix);
		}
		if (rename(r->inplace_dst, buf_z(&b)))
			tx_warn(errno, "cannot rename %s", r->inplace_dst);
		buf_free(&b);
	}
	if (rename(r->inplace_tmp, r->inplace_dst)) {
		fprintf(stderr, "sed: cannot rename %s: %s\n", r->inplace_tmp, tx_strerror(errno));
		exit(4);
	}
	free(r->inplace_tmp);
	r->inplace_tmp = NULL;
	r->main.f = stdout;
}

// begin_inplace makes the temporary file beside the target.
static int begin_inplace(run *r, const char *name) {
	struct sbx_stat st;
	if (sbx_stat(name, 0, &st)) {
		fprintf(stderr, "sed: can't read %s: %s\n", name, tx_strerror(errno));
		r->status = 2;
		return 0;
	}
	if (!S_ISREG(st.mode)) {
		fprintf(stderr, "sed: couldn't edit %s: not a regular file\n", name);
		r->status = 4;
		return 0;
	}
	const char *slash = strrchr(name, '/');
	struct sbx_ids ids = {0};
	sbx_ids(&ids);
	for (int i = 0; i < 1000; i++) {
		char *t = NULL;
		buf b = {0};
		if (slash)
			buf_add(&b, name, (size_t)(slash - name) + 1);
		char tail[40];
		snprintf(tail, sizeof tail, "sed%06x", (unsigned)(ids.pid * 7919u + (unsigned)i * 104729u) & 0xffffff);
		buf_str(&b, tail);
		t = buf_z(&b);
		int fd = sbx_open(t, SBX_O_WRONLY | SBX_O_CREAT | SBX_O_EXCL, 0600);
		if (fd < 0 && errno == EEXIST) {
			free(t);
			continue;
		}
		if (fd < 0) {
			fprintf(stderr, "sed: couldn't open temporary file %s: %s\n", t, tx_strerror(errno));
			exit(4);
		}
		sbx_fchmod(fd, st.mode & 07777);
		sbx_chown(t, 0, st.uid, st.gid);
		r->main.f = fdopen(fd, "w");
		r->main.missing = 0;
		r->inplace_tmp = t;
		r->inplace_dst = (char *)name;
		return 1;
	}
	return 0;
}

// next_file opens the next readable input; 0 when there is none.
static int next_file(run *r) {
	while (r->at < r->nfiles) {
		const char *name = r->files[r->at++];
		if (!strcmp(name, "-") && !r->s->inplace) {
			tx_fdin(&r->in, 0);
			r->name = "-";
			r->open = 1;
			return 1;
		}
		if (tx_open(&r->in, name)) {
			fprintf(stderr, "sed: can't read %s: %s\n", name, tx_strerror(errno));
			r->status = 2;
			continue;
		}
		struct sbx_stat st;
		if (!r->s->inplace && sbx_fstat(r->in.fd, &st) == 0 && S_ISDIR(st.mode)) {
			fprintf(stderr, "sed: read error on %s: Is a directory\n", name);
			tx_close(&r->in);
			r->status = 4;
			continue;
		}
		if (r->s->inplace && !begin_inplace(r, name)) {
			tx_close(&r->in);
			continue;
		}
		r->name = name;
		r->open = 1;
		if (r->s->separate || r->s->inplace)
			r->line = 0;
		return 1;
	}
	return 0;
}

// more tells whether another line follows within the scope of $.
static int more(run *r) {
	for (;;) {
		if (r->open) {
			if (r->in.r < r->in.w || tx_fill(&r->in))
				return 1;
			if (r->in.err) {
				fprintf(stderr, "sed: read error on %s: %s\n", r->name, tx_strerror(r->in.err));
				r->status = 4;
			}
			if (r->s->separate || r->s->inplace)
				return 0;
			close_file(r);
		}
		if (r->s->separate || r->s->inplace || !next_file(r))
			return 0;
	}
}

static void dump_file(run *r, const char *name) {
	tx_in in;
	if (tx_open(&in, strcmp(name, "/dev/stdin") ? name : "-"))
		return;
	missing(&r->main);
	while (in.r < in.w || tx_fill(&in)) {
		fwrite(in.b + in.r, 1, in.w - in.r, r->main.f);
		in.r = in.w;
	}
	tx_close(&in);
}

static void flush_queue(run *r) {
	for (size_t i = 0; i < r->nq; i++) {
		queued *q = &r->q[i];
		if (q->kind == 'r')
			dump_file(r, q->s);
		else if (q->kind == 't') {
			missing(&r->main);
			fwrite(q->s, 1, q->n, r->main.f);
		} else
			put(r, &r->main, q->s, q->n, 1);
		if (q->own)
			free((char *)q->s);
	}
	r->nq = 0;
	if (r->s->unbuffered)
		fflush(r->main.f);
}

static void enqueue(run *r, int kind, const char *s, size_t n, int own) {
	r->q = tx_array(r->q, &r->cq, r->nq + 1, sizeof *r->q);
	r->q[r->nq++] = (queued){kind, s, n, own};
}

// read_line appends (or sets) the pattern space from the next line; 0 at the end of all input.
static int read_line(run *r, int append) {
	char *p;
	size_t n;
	while (!r->open || !tx_line(&r->in, r->delim, &p, &n, &r->nl)) {
		if (r->open && r->in.err)
			r->status = 4;
		close_file(r);
		if (!next_file(r))
			return 0;
	}
	if (append)
		buf_chr(&r->pat, r->delim);
	else
		r->pat.n = 0;
	buf_add(&r->pat, p, n);
	r->line++;
	return 1;
}

static re *use(run *r, re *x) {
	if (!x)
		x = r->last;
	if (!x) {
		fprintf(stderr, "sed: no previous regular expression\n");
		exit(1);
	}
	return r->last = x;
}

static int match_addr(run *r, const addr *a) {
	switch (a->type) {
	case AD_NUM: return r->line == a->a;
	case AD_STEP:
		if (a->b == 0)
			return r->line == a->a;
		return r->line >= a->a && (r->line - a->a) % a->b == 0;
	case AD_LAST: {
		if (r->s->separate || r->s->inplace)
			return !more(r);
		return !more(r);
	}
	case AD_RE: return re_exec(use(r, a->re), r->pat.p ? r->pat.p : "", r->pat.n, 0, NULL, 0, 0);
	}
	return 0;
}

static int start_range(run *r, cmd *c) {
	if (!match_addr(r, &c->a1))
		return 0;
	switch (c->a2.type) {
	case AD_NONE: return 1;
	case AD_NUM: c->end = c->a2.a; break;
	case AD_PLUS: c->end = r->line + c->a2.a; break;
	case AD_MULT: c->end = c->a2.a ? (r->line + c->a2.a - 1) / c->a2.a * c->a2.a : 0; break;
	default: c->active = 1; return 1;
	}
	c->active = c->end > r->line;
	return 1;
}

static int selected(run *r, cmd *c) {
	if (c->a1.type == AD_NONE)
		return 1;
	if (!c->active)
		return start_range(r, c);
	if (c->a2.type == AD_RE || c->a2.type == AD_LAST || c->a2.type == AD_STEP) {
		if (match_addr(r, &c->a2))
			c->active = 0;
		return 1;
	}
	if (r->line >= c->end)
		c->active = 0;
	return r->line <= c->end;
}

static void cased(buf *out, const char *p, size_t n, int *mode, int *once) {
	for (size_t i = 0; i < n; i++) {
		int c = (unsigned char)p[i];
		if (*mode)
			c = *mode == 'U' ? tx_upper(c) : tx_lower(c);
		if (*once)
			c = *once == 'u' ? tx_upper(c) : tx_lower(c);
		*once = 0;
		buf_chr(out, c);
	}
}

static void expand(run *r, const subst *u, const re_m *m, buf *out) {
	int mode = 0, once = 0;
	const char *src = r->pat.p ? r->pat.p : "";
	for (size_t i = 0; i < u->nparts; i++) {
		const part *p = &u->parts[i];
		if (p->kind == R_CASE) {
			if (p->n == 'u' || p->n == 'l')
				once = p->n;
			else {
				mode = p->n == 'E' ? 0 : p->n;
				if (p->n == 'E')
					once = 0;
			}
			continue;
		}
		const char *s = p->s;
		size_t n = p->len;
		if (p->kind == R_GROUP) {
			if (m[p->n].so < 0)
				continue;
			s = src + m[p->n].so;
			n = (size_t)(m[p->n].eo - m[p->n].so);
		}
		if (mode || once)
			cased(out, s, n, &mode, &once);
		else
			buf_add(out, s, n);
	}
}

static void do_subst(run *r, cmd *c) {
	subst *u = c->sub;
	re *x = use(r, u->re);
	re_m m[10];
	size_t start = 0, done = 0;
	uint64_t count = 0, want = u->number ? u->number : 1;
	ptrdiff_t prev = -1;
	int hit = 0;
	const char *p = r->pat.p ? r->pat.p : "";
	r->tmp.n = 0;
	if (u->maxref > re_nsub(x)) {
		fprintf(stderr, "sed: invalid reference \\%d on s command's RHS\n", u->maxref);
		exit(1);
	}
	while (start <= r->pat.n && re_exec(x, p, r->pat.n, start, m, u->maxref + 1, 0)) {
		int empty = m[0].so == m[0].eo;
		if (!(empty && m[0].so == prev) && ++count >= want) {
			buf_add(&r->tmp, p + done, (size_t)m[0].so - done);
			expand(r, u, m, &r->tmp);
			done = (size_t)m[0].eo;
			hit = 1;
			if (!u->global)
				break;
		}
		prev = m[0].eo;
		start = (size_t)m[0].eo + (size_t)empty;
	}
	if (!hit)
		return;
	buf_add(&r->tmp, p + done, r->pat.n - done);
	buf t = r->pat;
	r->pat = r->tmp;
	r->tmp = t;
	r->replaced = 1;
	if (u->eval) {
		size_t n;
		char *o = sed_eval(r->pat.p, r->pat.n, &n);
		if (n && o[n - 1] == r->delim)
			n--;
		r->pat.n = 0;
		buf_add(&r->pat, o, n);
		free(o);
	}
	if (u->print)
		put(r, &r->main, r->pat.p, r->pat.n, 1);
	if (u->out)
		put(r, u->out, r->pat.p, r->pat.n, 1);
}

static void list(run *r, int64_t width) {
	missing(&r->main);
	int64_t col = 0;
	FILE *f = r->main.f;
	for (size_t i = 0; i < r->pat.n; i++) {
		int c = (unsigned char)r->pat.p[i];
		char o[8];
		static const char esc[] = "\a\b\f\n\r\t\v\\", let[] = "abfnrtv\\";
		const char *e = c ? strchr(esc, c) : NULL;
		if (e)
			snprintf(o, sizeof o, "\\%c", let[e - esc]);
		else if (tx_isprint(c))
			snprintf(o, sizeof o, "%c", c);
		else
			snprintf(o, sizeof o, "\\%03o", c);
		int64_t k = (int64_t)strlen(o);
		if (width > 1 && col + k > width - 1) {
			fputs("\\\n", f);
			col = 0;
		}
		fputs(o, f);
		col += k;
	}
	fputs("$\n", f);
}

static void finish_cycle(run *r) {
	if (!r->s->quiet)
		put(r, &r->main, r->pat.p, r->pat.n, r->nl);
	flush_queue(r);
}

static void eval_cmd(run *r, cmd *c) {
	size_t n;
	char *o;
	fflush(r->main.f);
	if (c->len) {
		o = sed_eval(c->text, c->len, &n);
		missing(&r->main);
		fwrite(o, 1, n, r->main.f);
	} else {
		o = sed_eval(r->pat.p, r->pat.n, &n);
		if (n && o[n - 1] == r->delim)
			n--;
		r->pat.n = 0;
		buf_add(&r->pat, o, n);
	}
	free(o);
}

enum { NEXT, AGAIN, END }; // a cycle ends with: read a line, keep the pattern space, leave

// step runs one simple command; -1 to go on.
static int step(run *r, cmd *c, size_t *pc) {
	sed *s = r->s;
	char *nl;
	switch (c->c) {
	case 'a': enqueue(r, 't', c->text, c->len, 0); break;
	case 'i':
		missing(&r->main);
		fwrite(c->text, 1, c->len, r->main.f);
		break;
	case 'c':
		if (!c->active || c->neg) {
			missing(&r->main);
			fwrite(c->text, 1, c->len, r->main.f);
		}
		flush_queue(r);
		return NEXT;
	case 'b': *pc = c->target; break;
	case 't':
		if (r->replaced) {
			r->replaced = 0;
			*pc = c->target;
		}
		break;
	case 'T':
		if (!r->replaced)
			*pc = c->target;
		r->replaced = 0;
		break;
	case 'd': flush_queue(r); return NEXT;
	case 'D':
		nl = r->pat.n ? memchr(r->pat.p, r->delim, r->pat.n) : NULL;
		flush_queue(r);
		if (!nl)
			return NEXT;
		r->pat.n -= (size_t)(nl + 1 - r->pat.p);
		memmove(r->pat.p, nl + 1, r->pat.n);
		return AGAIN;
	case 'e': eval_cmd(r, c); break;
	case 'F':
		missing(&r->main);
		fprintf(r->main.f, "%s\n", r->name ? r->name : "-");
		break;
	case 'g': r->pat.n = 0; buf_add(&r->pat, r->hold.p, r->hold.n); break;
	case 'G': buf_chr(&r->pat, r->delim); buf_add(&r->pat, r->hold.p, r->hold.n); break;
	case 'h': r->hold.n = 0; buf_add(&r->hold, r->pat.p, r->pat.n); break;
	case 'H': buf_chr(&r->hold, r->delim); buf_add(&r->hold, r->pat.p, r->pat.n); break;
	case 'x': {
		buf t = r->pat;
		r->pat = r->hold;
		r->hold = t;
		break;
	}
	case 'l': list(r, c->num >= 0 ? c->num : s->wrap); break;
	case 'n':
	case 'N':
		if (!more(r) && !((s->separate || s->inplace) && r->at < r->nfiles)) {
			if (c->c == 'N' && s->posix)
				return flush_queue(r), END;
			finish_cycle(r);
			return END;
		}
		if (c->c == 'n' && !s->quiet)
			put(r, &r->main, r->pat.p, r->pat.n, r->nl);
		flush_queue(r);
		if (!read_line(r, c->c == 'N'))
			return END;
		break;
	case 'p': put(r, &r->main, r->pat.p, r->pat.n, 1); break;
	case 'P':
		nl = r->pat.n ? memchr(r->pat.p, r->delim, r->pat.n) : NULL;
		put(r, &r->main, r->pat.p, nl ? (size_t)(nl - r->pat.p) : r->pat.n, 1);
		break;
	case 'q':
		finish_cycle(r);
		/* fall through */
	case 'Q':
		r->status = c->num >= 0 ? (int)(c->num & 255) : r->status;
		return END;
	case 'r': enqueue(r, 'r', c->text, 0, 0); break;
	case 'R': {
		char *p;
		size_t n;
		if (tx_line(c->rin, r->delim, &p, &n, NULL))
			enqueue(r, 'R', tx_memdup(p, n), n, 1);
		break;
	}
	case 's': do_subst(r, c); break;
	case 'w': put(r, c->out, r->pat.p, r->pat.n, r->nl); break;
	case 'W':
		nl = r->pat.n ? memchr(r->pat.p, r->delim, r->pat.n) : NULL;
		put(r, c->out, r->pat.p, nl ? (size_t)(nl - r->pat.p) : r->pat.n, 1);
		break;
	case 'y':
		for (size_t i = 0; i < r->pat.n; i++)
			r->pat.p[i] = (char)c->map[(unsigned char)r->pat.p[i]];
		break;
	case 'z': r->pat.n = 0; break;
	case '=':
		missing(&r->main);
		fprintf(r->main.f, "%llu\n", (unsigned long long)r->line);
		break;
	}
	return -1;
}

static int cycle(run *r) {
	sed *s = r->s;
	for (size_t pc = 0; pc < s->n;) {
		cmd *c = &s->c[pc++];
		if (selected(r, c) == c->neg) {
			if (c->c == '{')
				pc = c->target;
			continue;
		}
		int k = step(r, c, &pc);
		if (k >= 0)
			return k;
	}
	finish_cycle(r);
	return NEXT;
}

int sed_run(sed *s, char **files, int n) {
	run r = {.s = s, .files = files, .nfiles = n, .delim = s->nul ? 0 : '\n', .nl = 1};
	r.main.f = stdout;
	r.main.name = "-";
	int k = NEXT;
	while (k != END) {
		if (k == NEXT) {
			if (!read_line(&r, 0))
				break;
		}
		r.replaced = k == AGAIN ? r.replaced : 0;
		k = cycle(&r);
	}
	close_file(&r);
	for (size_t i = 0; i < s->nouts; i++)
		if (fflush(s->outs[i]->f) || ferror(s->outs[i]->f))
			write_failed(s->outs[i]->name);
	buf_free(&r.pat);
	buf_free(&r.hold);
	buf_free(&r.tmp);
	return r.status;
}
