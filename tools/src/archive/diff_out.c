/* Printing changes: normal, unified and context. */
#include "diff.h"

#include <ctype.h>

const char *diff_quoted(const char *name) {
	static char *ring[2];
	static int at;
	static const char from[] = "\a\b\t\n\v\f\r\"\\", letters[] = "abtnvfr\"\\";
	bool need = false;
	char *b = xmalloc(strlen(name) * 4 + 3), *o = b;
	*o++ = '"';
	for (const char *p = name; *p; p++) {
		const char *e = strchr(from, *p);
		need = need || e || *p == ' ' || (signed char)*p < ' ';
		if (e)
			*o++ = '\\', *o++ = letters[e - from];
		else if ((signed char)*p < ' ')
			o += sprintf(o, "\\%03o", (unsigned char)*p);
		else
			*o++ = *p;
	}
	*o++ = '"';
	*o = 0;
	free(ring[at ^= 1]);
	ring[at] = b;
	return need ? b : name;
}

/* Whether every line of one side of a change may be ignored: empty under -B, or matched by -I. */
static bool ignorable(const struct side *s, long from, long n) {
	bool skip = dopt.blank_lines && dopt.space >= SP_TRAILING, leading = skip && dopt.space >= SP_CHANGE;
	for (long i = from; i < from + n; i++) {
		struct line l = s->lines[i];
		size_t k = 0;
		if (skip) {
			while (k < l.n && isspace((unsigned char)l.p[k]))
				k++;
			if (k < l.n && !leading)
				k = 0;
		}
		if (dopt.blank_lines && k == l.n)
			continue;
		if (!dopt.ignore || !re_exec(dopt.ignore, l.p, l.n, 0, NULL, 0, 0))
			return false;
	}
	return true;
}

static void mark(struct side s[2], struct change *c, size_t n) {
	if (!dopt.blank_lines && !dopt.ignore)
		return;
	for (size_t i = 0; i < n; i++)
		c[i].ignore = ignorable(&s[0], c[i].line[0], c[i].n[0]) && ignorable(&s[1], c[i].line[1], c[i].n[1]);
}

static void put_line(const struct side *s, long i, const char *flag) {
	const struct line *l = &s->lines[i];
	/* an empty flag column is left out of empty lines where asked for */
	if (dopt.suppress_blank && *flag == ' ' && l->n == 0)
		flag = "";
	bool tab_only = dopt.initial_tab && dopt.style == S_UNIFIED && *flag == ' ';
	if (!tab_only)
		fputs(flag, stdout);
	if (*flag && dopt.initial_tab)
		putchar('\t');
	else if (*flag && dopt.style != S_UNIFIED)
		putchar(' ');
	fwrite(l->p, 1, l->n, stdout);
	putchar('\n');
	if (s->no_newline && i == s->n - 1)
		fputs("\\ No newline at end of file\n", stdout);
}

static void range(long from, long n, char sep) {
	if (n > 1)
		printf("%ld%c%ld", from + 1, sep, from + n);
	else
		printf("%ld", from + n);
}

static void normal(struct side s[2], const struct change *c) {
	range(c->line[0], c->n[0], ',');
	putchar(c->n[0] ? c->n[1] ? 'c' : 'd' : 'a');
	range(c->line[1], c->n[1], ',');
	putchar('\n');
	for (long i = 0; i < c->n[0]; i++)
		put_line(&s[0], c->line[0] + i, "<");
	if (c->n[0] && c->n[1])
		puts("---");
	for (long i = 0; i < c->n[1]; i++)
		put_line(&s[1], c->line[1] + i, ">");
}

static void header(struct side s[2]) {
	for (int k = 0; k < 2; k++) {
		struct when w;
		const char *mark_of = dopt.style == S_UNIFIED ? k ? "+++" : "---" : k ? "---" : "***";
		if (dopt.labels[k]) {
			printf("%s %s\n", mark_of, dopt.labels[k]);
			continue;
		}
		if (s[k].missing)
			local_time(0, 0, &w);
		else
			local_time(s[k].st.mtime, s[k].st.mtime_ns, &w);
		char *t = time_format(dopt.style == S_UNIFIED ? "%Y-%m-%d %H:%M:%S.%N %z" : "%a %b %e %T %Y", &w);
		printf("%s %s\t%s\n", mark_of, diff_quoted(s[k].name), t);
		free(t);
	}
}

/* The line of -p and -F: the last one in front of a hunk that matches, no further back than the hunk before. */
static void function_line(const struct side *s, long before, bool space) {
	static long last = -1, from;
	static const struct side *of;
	if (of != s)
		of = s, last = -1, from = 0;
	for (long i = before; i-- > from;) {
		struct line l = s->lines[i];
		if (re_exec(dopt.function, l.p, l.n, 0, NULL, 0, 0)) {
			last = i;
			break;
		}
	}
	from = before > from ? before : from;
	if (last < 0)
		return;
	struct line l = s->lines[last];
	size_t k = 0, n;
	while (k < l.n && isspace((unsigned char)l.p[k]))
		k++;
	n = l.n - k < 40 ? l.n - k : 40;
	while (n && isspace((unsigned char)l.p[k + n - 1]))
		n--;
	if (space)
		putchar(' ');
	fwrite(l.p + k, 1, n, stdout);
}

struct hunk {
	const struct change *c;
	size_t n;
	long from[2], to[2]; /* with context; to is behind the last */
};

static struct hunk hunk_of(struct side s[2], const struct change *c, size_t n) {
	struct hunk h = {c, n, {0, 0}, {0, 0}};
	const struct change *last = &c[n - 1];
	for (int k = 0; k < 2; k++) {
		h.from[k] = c->line[k] < dopt.context ? 0 : c->line[k] - dopt.context;
		long end = last->line[k] + last->n[k];
		h.to[k] = dopt.context < s[k].n - end ? end + dopt.context : s[k].n;
	}
	return h;
}

static void unified_range(long from, long to) {
	if (to - from == 1)
		printf("%ld", to);
	else
		printf("%ld,%ld", to == from ? from : from + 1, to - from);
}

static void unified(struct side s[2], const struct hunk *h) {
	fputs("@@ -", stdout);
	unified_range(h->from[0], h->to[0]);
	fputs(" +", stdout);
	unified_range(h->from[1], h->to[1]);
	fputs(" @@", stdout);
	if (dopt.function)
		function_line(&s[0], h->from[0], true);
	putchar('\n');
	long i = h->from[0];
	for (size_t k = 0; k <= h->n; k++) {
		long stop = k < h->n ? h->c[k].line[0] : h->to[0];
		for (; i < stop; i++)
			put_line(&s[0], i, " ");
		if (k == h->n)
			break;
		const struct change *c = &h->c[k];
		for (; i < c->line[0] + c->n[0]; i++)
			put_line(&s[0], i, "-");
		for (long j = 0; j < c->n[1]; j++)
			put_line(&s[1], c->line[1] + j, "+");
	}
}

static void context_side(struct side s[2], const struct hunk *h, int k) {
	bool any = false;
	fputs(k ? "--- " : "*** ", stdout);
	range(h->from[k], h->to[k] - h->from[k], ',');
	puts(k ? " ----" : " ****");
	for (size_t c = 0; c < h->n; c++)
		any = any || h->c[c].n[k];
	if (!any)
		return;
	size_t c = 0;
	for (long i = h->from[k]; i < h->to[k]; i++) {
		while (c < h->n && h->c[c].line[k] + h->c[c].n[k] <= i)
			c++;
		bool in = c < h->n && h->c[c].line[k] <= i;
		put_line(&s[k], i, !in ? " " : h->c[c].n[!k] ? "!" : k ? "+" : "-");
	}
}

static void context(struct side s[2], const struct hunk *h) {
	fputs("***************", stdout);
	if (dopt.function)
		function_line(&s[0], h->from[0], true);
	putchar('\n');
	context_side(s, h, 0);
	context_side(s, h, 1);
}

int diff_print(struct side s[2], struct change *c, size_t n, const char *command) {
	bool begun = false;
	int rc = 0;
	mark(s, c, n);
	for (size_t i = 0; i < n; i++)
		rc |= !c[i].ignore;
	if (dopt.brief || !rc)
		return rc;
	for (size_t i = 0, next; i < n; i = next) {
		bool shown = !c[i].ignore;
		next = i + 1;
		if (dopt.style != S_NORMAL) {
			/* changes that are near each other share a hunk */
			for (; next < n; next++) {
				long top = c[next - 1].line[0] + c[next - 1].n[0];
				if (c[next].line[0] - top >= (c[next].ignore ? dopt.context : 2 * dopt.context + 1))
					break;
				shown = shown || !c[next].ignore;
			}
		}
		if (!shown)
			continue;
		if (!begun && command)
			puts(command);
		if (!begun && dopt.style != S_NORMAL)
			header(s);
		begun = true;
		struct hunk h = hunk_of(s, c + i, next - i);
		if (dopt.style == S_NORMAL)
			normal(s, c + i);
		else if (dopt.style == S_UNIFIED)
			unified(s, &h);
		else
			context(s, &h);
	}
	return rc;
}
