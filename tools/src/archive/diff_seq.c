/* Which lines changed: Myers' algorithm from both ends with a bounded cost, over lines that can be matched at all;
 * then runs of changes are moved to where people expect them. */
#include "diff.h"

struct seq {
	const long *x, *y;           /* classes of the lines that take part */
	const long *real[2];         /* where they are in the files */
	uint8_t *changed[2];
	long *fd, *bd;               /* furthest points of each diagonal, forward and backward */
	long too_expensive;
};

struct cut {
	long x, y;
	bool lo_minimal, hi_minimal;
};

/* A point in the middle of a shortest path, or of a good one when the search gets too expensive. */
static struct cut middle(const struct seq *s, long xoff, long xlim, long yoff, long ylim, bool minimal) {
	long *fd = s->fd, *bd = s->bd;
	const long dmin = xoff - ylim, dmax = xlim - yoff, fmid = xoff - yoff, bmid = xlim - ylim;
	long fmin = fmid, fmax = fmid, bmin = bmid, bmax = bmid;
	bool odd = (fmid - bmid) & 1;
	fd[fmid] = xoff;
	bd[bmid] = xlim;
	for (long c = 1;; c++) {
		if (fmin > dmin)
			fd[--fmin - 1] = -1;
		else
			++fmin;
		if (fmax < dmax)
			fd[++fmax + 1] = -1;
		else
			--fmax;
		for (long d = fmax; d >= fmin; d -= 2) {
			long lo = fd[d - 1], hi = fd[d + 1], x = lo < hi ? hi : lo + 1, y = x - d;
			while (x < xlim && y < ylim && s->x[x] == s->y[y])
				x++, y++;
			fd[d] = x;
			if (odd && bmin <= d && d <= bmax && bd[d] <= x)
				return (struct cut){x, y, true, true};
		}
		if (bmin > dmin)
			bd[--bmin - 1] = INT32_MAX;
		else
			++bmin;
		if (bmax < dmax)
			bd[++bmax + 1] = INT32_MAX;
		else
			--bmax;
		for (long d = bmax; d >= bmin; d -= 2) {
			long lo = bd[d - 1], hi = bd[d + 1], x = lo < hi ? lo : hi - 1, y = x - d;
			while (xoff < x && yoff < y && s->x[x - 1] == s->y[y - 1])
				x--, y--;
			bd[d] = x;
			if (!odd && fmin <= d && d <= fmax && x <= fd[d])
				return (struct cut){x, y, true, true};
		}
		if (minimal || c < s->too_expensive)
			continue;
		long fbest = -1, fx = 0, bbest = INT32_MAX, bx = 0;
		for (long d = fmax; d >= fmin; d -= 2) {
			long x = fd[d] < xlim ? fd[d] : xlim, y = x - d;
			if (ylim < y)
				x = ylim + d, y = ylim;
			if (fbest < x + y)
				fbest = x + y, fx = x;
		}
		for (long d = bmax; d >= bmin; d -= 2) {
			long x = xoff > bd[d] ? xoff : bd[d], y = x - d;
			if (y < yoff)
				x = yoff + d, y = yoff;
			if (x + y < bbest)
				bbest = x + y, bx = x;
		}
		if ((xlim + ylim) - bbest < fbest - (xoff + yoff))
			return (struct cut){fx, fbest - fx, true, false};
		return (struct cut){bx, bbest - bx, false, true};
	}
}

static void compare(const struct seq *s, long xoff, long xlim, long yoff, long ylim, bool minimal) {
	for (;;) {
		while (xoff < xlim && yoff < ylim && s->x[xoff] == s->y[yoff])
			xoff++, yoff++;
		while (xoff < xlim && yoff < ylim && s->x[xlim - 1] == s->y[ylim - 1])
			xlim--, ylim--;
		if (xoff == xlim || yoff == ylim) {
			while (yoff < ylim)
				s->changed[1][s->real[1][yoff++]] = 1;
			while (xoff < xlim)
				s->changed[0][s->real[0][xoff++]] = 1;
			return;
		}
		struct cut c = middle(s, xoff, xlim, yoff, ylim, minimal);
		/* the smaller half by a call, so that the stack stays small */
		if (c.x - xoff + c.y - yoff < xlim - c.x + ylim - c.y) {
			compare(s, xoff, c.x, yoff, c.y, c.lo_minimal);
			xoff = c.x, yoff = c.y, minimal = c.hi_minimal;
		} else {
			compare(s, c.x, xlim, c.y, ylim, c.hi_minimal);
			xlim = c.x, ylim = c.y, minimal = c.lo_minimal;
		}
	}
}

/* ---- lines that only confuse: 1 has no match, 2 has so many that it may be left out among such lines */

/* Clears the doubtful ones from one end of a run until the run is solid: three sure ones in a row, or a sure one after 8. */
static void clear_end(char *d, long len, long step) {
	for (long j = 0, sure = 0; j < len && sure < 3; j++, d += step) {
		if (j >= 8 && *d == 1)
			break;
		if (*d == 1) {
			sure++;
		} else {
			sure = 0;
			*d = 0;
		}
	}
}

static void settle(char *d, long end) {
	for (long i = 0; i < end; i++) {
		if (d[i] == 2)
			d[i] = 0;
		if (!d[i])
			continue;
		long j, doubtful = 0;
		for (j = i; j < end && d[j]; j++)
			doubtful += d[j] == 2;
		while (j > i && d[j - 1] == 2)
			d[--j] = 0, doubtful--;
		long len = j - i;
		if (doubtful * 4 > len) {
			while (j > i)
				if (d[--j] == 2)
					d[j] = 0;
			continue;
		}
		long least = 1, run = 0;
		for (long t = len >> 2; (t >>= 2) > 0;)
			least <<= 1;
		least++;
		for (long k = 0; k < len; k++) {
			if (d[i + k] != 2)
				run = 0;
			else if (++run == least)
				k -= run; /* the whole subrun goes: back to its start */
			else if (run > least)
				d[i + k] = 0;
		}
		clear_end(d + i, len, 1);
		i += len - 1;
		clear_end(d + i, len, -1);
	}
}

static void discard(struct side s[2], long *keep[2], long *real[2], long n_keep[2]) {
	long most = 0, *count[2];
	for (int k = 0; k < 2; k++)
		for (long i = 0; i < s[k].body; i++)
			most = s[k].class[i] > most ? s[k].class[i] : most;
	for (int k = 0; k < 2; k++) {
		count[k] = xcalloc((size_t)most + 1, sizeof(long));
		for (long i = 0; i < s[k].body; i++)
			count[k][s[k].class[i]]++;
	}
	for (int k = 0; k < 2; k++) {
		long many = 5, end = s[k].body;
		char *d = xcalloc((size_t)end + 1, 1);
		for (long t = end / 64; (t >>= 2) > 0;)
			many *= 2;
		for (long i = 0; i < end; i++) {
			long n = count[!k][s[k].class[i]];
			d[i] = n == 0 ? 1 : n > many ? 2 : 0;
		}
		settle(d, end);
		keep[k] = xmalloc((size_t)(end + 1) * sizeof(long));
		real[k] = xmalloc((size_t)(end + 1) * sizeof(long));
		n_keep[k] = 0;
		for (long i = 0; i < end; i++) {
			if (d[i] && !dopt.minimal) {
				s[k].changed[i] = 1;
				continue;
			}
			keep[k][n_keep[k]] = s[k].class[i];
			real[k][n_keep[k]++] = i;
		}
		free(d);
	}
	free(count[0]);
	free(count[1]);
}

/* Moves each run of changes as far down as it goes, or up to where the other file changed too; runs that meet are joined. */
static void shift(struct side *s, const struct side *o) {
	uint8_t *changed = s->changed;
	const uint8_t *other = o->changed;
	const long *class = s->class, end = s->body;
	long i = 0, j = 0;
	for (;;) {
		while (i < end && !changed[i]) {
			while (other[j++])
				;
			i++;
		}
		if (i == end)
			return;
		long start = i, match, len;
		while (changed[++i])
			;
		while (other[j])
			j++;
		do {
			len = i - start;
			while (start && class[start - 1] == class[i - 1]) {
				changed[--start] = 1;
				changed[--i] = 0;
				while (changed[start - 1])
					start--;
				while (other[--j])
					;
			}
			match = other[j - 1] ? i : end;
			while (i != end && class[start] == class[i]) {
				changed[start++] = 0;
				changed[i++] = 1;
				while (changed[i])
					i++;
				while (other[++j])
					match = i;
			}
		} while (len != i - start);
		while (match < i) {
			changed[--start] = 1;
			changed[--i] = 0;
			while (other[--j])
				;
		}
	}
}

void diff_sequences(struct side s[2]) {
	long *keep[2], *real[2], n[2];
	for (int k = 0; k < 2; k++) {
		s[k].room = xcalloc((size_t)s[k].body + 2, 1);
		s[k].changed = s[k].room + 1;
	}
	discard(s, keep, real, n);
	long diagonals = n[0] + n[1] + 3;
	long *room = xmalloc((size_t)diagonals * 2 * sizeof(long));
	struct seq q = {keep[0], keep[1], {real[0], real[1]}, {s[0].changed, s[1].changed}, room + n[1] + 1, room + diagonals + n[1] + 1, 1};
	for (long d = diagonals; d; d >>= 2)
		q.too_expensive <<= 1;
	if (q.too_expensive < 4096)
		q.too_expensive = 4096;
	compare(&q, 0, n[0], 0, n[1], dopt.minimal);
	free(room);
	for (int k = 0; k < 2; k++) {
		free(keep[k]);
		free(real[k]);
	}
	shift(&s[0], &s[1]);
	shift(&s[1], &s[0]);
}

struct change *diff_changes(struct side s[2], size_t *n) {
	struct change *list = NULL;
	size_t cap = 0;
	*n = 0;
	for (long i = 0, j = 0; i < s[0].body || j < s[1].body; i++, j++) {
		if (!s[0].changed[i] && !s[1].changed[j])
			continue;
		struct change c = {.line = {i + s[0].prefix, j + s[1].prefix}};
		while (s[0].changed[i])
			i++, c.n[0]++;
		while (s[1].changed[j])
			j++, c.n[1]++;
		list = grow(list, *n, &cap, sizeof *list);
		list[(*n)++] = c;
		if (i >= s[0].body && j >= s[1].body)
			break;
	}
	return list;
}
