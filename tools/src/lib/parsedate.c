/* Dates as people type them, for date -d and touch -d: ISO 8601, calendar words, times, zones, and relative items. */
#include "tool.h"

#include <ctype.h>
#include <strings.h>

struct state {
	const char *p;
	struct when base;
	int64_t year;
	int mon, mday, hour, min, sec;
	int64_t ns;
	bool have_date, have_time, have_zone, have_day, have_epoch;
	int32_t zone;
	int64_t epoch;
	int day_number, day_ordinal;
	int64_t rel_year, rel_mon, rel_day, rel_sec, rel_ns;
	bool rel;
};

struct word {
	const char *name;
	int value;
};
static const struct word months[] = {{"january", 0}, {"february", 1}, {"march", 2}, {"april", 3}, {"may", 4}, {"june", 5},
    {"july", 6}, {"august", 7}, {"september", 8}, {"sept", 8}, {"october", 9}, {"november", 10}, {"december", 11}, {0, 0}};
static const struct word weekdays[] = {{"sunday", 0}, {"monday", 1}, {"tuesday", 2}, {"tues", 2}, {"wednesday", 3},
    {"wednes", 3}, {"thursday", 4}, {"thur", 4}, {"thurs", 4}, {"friday", 5}, {"saturday", 6}, {0, 0}};
enum { U_YEAR, U_MONTH, U_FORTNIGHT, U_WEEK, U_DAY, U_HOUR, U_MIN, U_SEC };
static const struct word units[] = {{"year", U_YEAR}, {"month", U_MONTH}, {"fortnight", U_FORTNIGHT}, {"week", U_WEEK},
    {"day", U_DAY}, {"hour", U_HOUR}, {"minute", U_MIN}, {"min", U_MIN}, {"second", U_SEC}, {"sec", U_SEC}, {0, 0}};
static const struct word ordinals[] = {{"last", -1}, {"this", 0}, {"next", 1}, {"first", 1}, {"third", 3}, {"fourth", 4},
    {"fifth", 5}, {"sixth", 6}, {"seventh", 7}, {"eighth", 8}, {"ninth", 9}, {"tenth", 10}, {"eleventh", 11},
    {"twelfth", 12}, {0, 0}};
static const struct word zones[] = {{"gmt", 0}, {"utc", 0}, {"ut", 0}, {"z", 0}, {"wet", 0}, {"west", 60}, {"bst", 60},
    {"cet", 60}, {"cest", 120}, {"met", 60}, {"eet", 120}, {"eest", 180}, {"msk", 180}, {"ist", 330}, {"jst", 540},
    {"est", -300}, {"edt", -240}, {"cst", -360}, {"cdt", -300}, {"mst", -420}, {"mdt", -360}, {"pst", -480}, {"pdt", -420},
    {"akst", -540}, {"akdt", -480}, {"hst", -600}, {"nzst", 720}, {"nzdt", 780}, {0, 0}};

static void blanks(struct state *s) {
	for (;;) {
		while (isspace((unsigned char)*s->p) || *s->p == ',')
			s->p++;
		if (*s->p != '(')
			return;
		int depth = 0;
		do
			depth += *s->p == '(' ? 1 : *s->p == ')' ? -1 : 0;
		while (*s->p && (s->p++, depth > 0));
	}
}

static const struct word *look(const struct word *list, const char *w, bool abbreviated, bool plural) {
	size_t n = strlen(w);
	for (; list->name; list++) {
		if (strcasecmp(list->name, w) == 0)
			return list;
		if (abbreviated && n == 3 && strncasecmp(list->name, w, 3) == 0)
			return list;
		if (plural && n > 1 && (w[n - 1] | 32) == 's' && strlen(list->name) == n - 1 && strncasecmp(list->name, w, n - 1) == 0)
			return list;
	}
	return NULL;
}

static bool digits(const char **p, int64_t *v, int *n) {
	*v = 0, *n = 0;
	for (; isdigit((unsigned char)**p); (*p)++, (*n)++)
		if (*n < 18)
			*v = *v * 10 + **p - '0';
		else
			return false;
	return *n > 0;
}

static bool fraction(const char **p, int64_t *ns) {
	*ns = 0;
	if ((**p != '.' && **p != ',') || !isdigit((unsigned char)(*p)[1]))
		return true;
	int64_t unit = 100000000;
	for ((*p)++; isdigit((unsigned char)**p); (*p)++, unit /= 10)
		*ns += unit * (**p - '0');
	return true;
}

static bool zone_offset(struct state *s) { /* +hh, +hhmm, +hh:mm */
	int sign = *s->p == '-' ? -1 : 1, n;
	const char *p = s->p + 1;
	int64_t h, m = 0;
	if (!digits(&p, &h, &n))
		return false;
	if (*p == ':') {
		int k;
		p++;
		if (n > 2 || !digits(&p, &m, &k) || k != 2)
			return false;
	} else if (n > 2) {
		m = h % 100, h /= 100;
	}
	if (h > 24 || m > 59 || n > 4)
		return false;
	s->zone = (int32_t)(sign * (h * 3600 + m * 60));
	s->have_zone = true;
	s->p = p;
	return true;
}

static bool meridian(struct state *s) {
	const char *p = s->p;
	while (*p == ' ')
		p++;
	int pm = (*p | 32) == 'p' ? 1 : (*p | 32) == 'a' ? 0 : -1;
	if (pm < 0)
		return true;
	p++;
	if (*p == '.')
		p++;
	if ((*p | 32) != 'm')
		return true;
	p++;
	if (*p == '.')
		p++;
	if (isalpha((unsigned char)*p))
		return true;
	if (s->hour < 1 || s->hour > 12)
		return false;
	s->hour = s->hour % 12 + 12 * pm;
	s->p = p;
	return true;
}

static bool time_of_day(struct state *s) { /* hh:mm[:ss[.n]] [am|pm] [+zone] */
	int64_t h, m, sec = 0;
	int n;
	if (s->have_time || !digits(&s->p, &h, &n) || *s->p++ != ':' || !digits(&s->p, &m, &n))
		return false;
	if (*s->p == ':') {
		s->p++;
		if (!digits(&s->p, &sec, &n) || !fraction(&s->p, &s->ns))
			return false;
	}
	if (h > 24 || m > 59 || sec > 60)
		return false;
	s->hour = (int)h, s->min = (int)m, s->sec = (int)sec;
	s->have_time = true;
	if (!meridian(s))
		return false;
	if (s->hour > 24 || (s->hour == 24 && (s->min || s->sec)))
		return false;
	const char *mark = s->p;
	while (*s->p == ' ')
		s->p++;
	if ((*s->p == '+' || *s->p == '-') && isdigit((unsigned char)s->p[1])) {
		const char *q = s->p + 1;
		while (isdigit((unsigned char)*q))
			q++;
		const char *r = q;
		while (*r == ' ')
			r++;
		if (*q == ':' || !isalpha((unsigned char)*r) || q - s->p == 5)
			return zone_offset(s);
	}
	s->p = mark;
	return true;
}

static bool set_date(struct state *s, int64_t y, int n_year, int64_t m, int64_t d) {
	if (s->have_date || m < 1 || m > 12 || d < 1 || d > 31)
		return false;
	if (n_year > 0 && n_year <= 2)
		y += y < 69 ? 2000 : 1900;
	s->year = y, s->mon = (int)m - 1, s->mday = (int)d;
	s->have_date = true;
	return true;
}

static int month_at(const char *p, const char **end) {
	char w[16];
	size_t n = 0;
	while (isalpha((unsigned char)p[n]) && n < sizeof w - 1)
		w[n] = p[n], n++;
	w[n] = 0;
	const struct word *m = look(months, w, true, false);
	*end = p + n;
	return m ? m->value + 1 : 0;
}

static bool day_month_year(struct state *s, int64_t day, const char *p, int month) { /* 14-nov-2008, 14 nov 2008 */
	int64_t y = s->base.year;
	int n = 0;
	const char *q = p;
	if (*q == '-' || *q == ' ') {
		q++;
		while (*q == ' ')
			q++;
		const char *r = q;
		if (digits(&r, &y, &n) && *r != ':' && (n == 4 || *p == '-'))
			p = r;
		else
			y = s->base.year, n = 0;
	}
	s->p = p;
	return set_date(s, y, n, month, day);
}

static void add_relative(struct state *s, int unit, int64_t v) {
	s->rel = true;
	switch (unit) {
	case U_YEAR: s->rel_year += v; break;
	case U_MONTH: s->rel_mon += v; break;
	case U_FORTNIGHT: s->rel_day += 14 * v; break;
	case U_WEEK: s->rel_day += 7 * v; break;
	case U_DAY: s->rel_day += v; break;
	case U_HOUR: s->rel_sec += 3600 * v; break;
	case U_MIN: s->rel_sec += 60 * v; break;
	case U_SEC: s->rel_sec += v; break;
	}
}

static size_t word_at(const char *p, char w[24]) {
	size_t n = 0;
	while ((isalpha((unsigned char)p[n]) || (p[n] == '.' && n)) && n < 23)
		w[n] = p[n], n++;
	while (n && w[n - 1] == '.')
		n--;
	w[n] = 0;
	return n;
}

static bool ago(struct state *s) {
	const char *p = s->p;
	while (*p == ' ')
		p++;
	if (strncasecmp(p, "ago", 3) || isalpha((unsigned char)p[3]))
		return false;
	s->p = p + 3;
	return true;
}

static bool signed_number(struct state *s) { /* +3 days, -1 week, 2 hours ago */
	int sign = 1, n;
	const char *p = s->p;
	int64_t v, ns = 0;
	char w[24];
	while (*p == '+' || *p == '-' || *p == ' ')
		sign *= *p++ == '-' ? -1 : 1;
	if (!digits(&p, &v, &n))
		return false;
	fraction(&p, &ns);
	while (*p == ' ')
		p++;
	size_t k = word_at(p, w);
	const struct word *u = look(units, w, false, true);
	const struct word *d = u ? NULL : look(weekdays, w, true, false);
	if (d && !s->have_day) {
		s->day_ordinal = (int)(sign * v), s->day_number = d->value, s->have_day = true;
		s->p = p + k;
		return true;
	}
	if (!u)
		return false;
	s->p = p + k;
	if (ago(s))
		sign = -sign;
	add_relative(s, u->value, sign * v);
	if (u->value == U_SEC)
		s->rel_ns += sign * ns;
	return true;
}

static bool date_or_number(struct state *s) {
	const char *p = s->p;
	int64_t a, b, c;
	int na, nb, nc;
	if (!digits(&p, &a, &na))
		return false;
	if (*p == ':')
		return time_of_day(s);
	if ((*p == '-' || *p == '/') && isdigit((unsigned char)p[1])) {
		char sep = *p++;
		if (!digits(&p, &b, &nb))
			return false;
		bool third = *p == sep && isdigit((unsigned char)p[1]);
		if (third) {
			p++;
			if (!digits(&p, &c, &nc))
				return false;
		}
		s->p = p;
		if (sep == '-' && third) {
			if ((*p == 'T' || *p == 't') && isdigit((unsigned char)p[1]))
				s->p++;
			return set_date(s, a, na, b, c);
		}
		if (sep == '/' && na > 2)
			return third && set_date(s, a, na, b, c);
		if (sep == '/')
			return set_date(s, third ? c : s->base.year, third ? nc : 0, a, b);
		return false;
	}
	const char *q = p, *end;
	while (*q == ' ' || *q == '-')
		q++;
	int month = month_at(q, &end);
	if (month && na <= 2)
		return day_month_year(s, a, end, month);
	struct state save = *s;
	if (signed_number(s))
		return true;
	*s = save;
	if (na <= 2) { /* 10am */
		s->hour = (int)a;
		const char *before = s->p = p;
		if (!s->have_time && meridian(s) && s->p != before) {
			s->have_time = true, s->min = s->sec = 0;
			return true;
		}
		*s = save;
	}
	s->p = p;
	if (s->have_date && s->have_time && !s->rel && na >= 3) { /* Nov 14 10:00:00 2008 */
		s->year = a;
		return true;
	}
	if (na > 4) { /* [YY]YYMMDD */
		if (*p == 'T' && isdigit((unsigned char)p[1]))
			s->p++;
		return set_date(s, a / 10000, na - 4, a / 100 % 100, a % 100);
	}
	if (s->have_time || na == 3)
		return s->have_date && na == 4 && (s->year = a, true);
	s->hour = (int)(na <= 2 ? a : a / 100), s->min = (int)(na <= 2 ? 0 : a % 100), s->sec = 0;
	s->have_time = true;
	return s->hour < 24 && s->min < 60;
}

static bool month_day(struct state *s, int month) { /* Nov 14[, 2008] */
	int64_t d = 1, y = s->base.year;
	int nd, ny = 0;
	const char *p = s->p;
	while (*p == ' ' || *p == '-')
		p++;
	if (!digits(&p, &d, &nd) || nd > 2)
		return false;
	s->p = p;
	while (*p == ' ' || *p == ',' || *p == '-')
		p++;
	const char *q = p;
	if (digits(&q, &y, &ny) && *q != ':' && ny == 4)
		s->p = q;
	else
		y = s->base.year, ny = 0;
	return set_date(s, y, ny, month, d);
}

static bool a_word(struct state *s) {
	char w[24];
	size_t n = word_at(s->p, w);
	const struct word *x;
	s->p += n;
	if (*s->p == '.')
		s->p++;
	if (strcasecmp(w, "now") == 0 || strcasecmp(w, "today") == 0)
		return s->rel = true;
	if (strcasecmp(w, "yesterday") == 0 || strcasecmp(w, "tomorrow") == 0) {
		add_relative(s, U_DAY, (w[0] | 32) == 'y' ? -1 : 1);
		return true;
	}
	if ((x = look(months, w, true, false)))
		return month_day(s, x->value + 1);
	if ((x = look(weekdays, w, true, false))) {
		s->day_number = x->value, s->day_ordinal = 0;
		return !s->have_day && (s->have_day = true);
	}
	if ((x = look(ordinals, w, false, false))) {
		char next[24];
		blanks(s);
		size_t k = word_at(s->p, next);
		const struct word *u = look(units, next, false, true);
		int value = x->value;
		const struct word *d = u ? NULL : look(weekdays, next, true, false);
		s->p += k;
		if (d) {
			s->day_number = d->value, s->day_ordinal = value;
			return !s->have_day && (s->have_day = true);
		}
		if (!u)
			return false;
		add_relative(s, u->value, ago(s) ? -value : value);
		return true;
	}
	if ((x = look(units, w, false, true))) {
		add_relative(s, x->value, ago(s) ? -1 : 1);
		return true;
	}
	if ((w[0] | 32) == 't' && n == 1 && isdigit((unsigned char)*s->p))
		return time_of_day(s);
	if ((x = look(zones, w, false, false)) && !s->have_zone) {
		s->zone = x->value * 60, s->have_zone = true;
		if ((*s->p == '+' || *s->p == '-') && isdigit((unsigned char)s->p[1]) && x->value == 0)
			return zone_offset(s);
		return true;
	}
	if (s->base.abbr && strcasecmp(w, s->base.abbr) == 0)
		return true;
	return false;
}

static bool epoch(struct state *s) { /* @seconds[.fraction] */
	const char *p = s->p + 1;
	int n;
	bool neg = *p == '-';
	if (neg || *p == '+')
		p++;
	if (!digits(&p, &s->epoch, &n))
		return false;
	fraction(&p, &s->ns);
	if (neg) {
		s->epoch = -s->epoch;
		if (s->ns)
			s->epoch--, s->ns = 1000000000 - s->ns;
	}
	s->p = p;
	s->have_epoch = true;
	return !s->have_date && !s->have_time;
}

static bool items(struct state *s) {
	for (;;) {
		blanks(s);
		if (!*s->p)
			return true;
		const char *before = s->p;
		bool ok = *s->p == '@' ? epoch(s) :
		    *s->p == '+' || *s->p == '-' ? signed_number(s) || (s->p = before, s->have_time && !s->have_zone && zone_offset(s)) :
		    isdigit((unsigned char)*s->p) ? date_or_number(s) :
		    isalpha((unsigned char)*s->p) ? a_word(s) : false;
		if (!ok || s->p == before)
			return false;
	}
}

static int days_in(int64_t y, int mon) {
	static const char n[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	return n[mon] + (mon == 1 && y % 4 == 0 && (y % 100 != 0 || y % 400 == 0));
}

static bool resolve(struct state *s, int64_t now_t, uint32_t now_ns, int64_t *t, uint32_t *ns) {
	struct when w = s->base;
	int64_t sec, frac = s->ns;
	if (s->have_epoch) {
		sec = s->epoch;
		if (s->rel) {
			local_time(sec, 0, &w);
			goto relative;
		}
		goto done;
	}
	if (s->have_date) {
		if (s->mday > days_in(s->year, s->mon))
			return false;
		w.year = s->year, w.mon = s->mon, w.mday = s->mday;
	}
	if (s->have_time)
		w.hour = s->hour, w.min = s->min, w.sec = s->sec;
	else if (s->have_date || s->have_day || !s->rel)
		w.hour = w.min = w.sec = 0, frac = 0;
	else
		frac = now_ns;
	if (s->have_day && !s->have_date) {
		int delta = (s->day_number - w.wday + 7) % 7;
		delta += 7 * (s->day_ordinal - (s->day_ordinal > 0 && delta != 0));
		w.mday += delta;
	}
relative:
	w.year += s->rel_year;
	w.mon += (int)s->rel_mon;
	if (s->rel_day > 100000000 || s->rel_day < -100000000)
		return false;
	w.mday += (int)s->rel_day;
	w.isdst = -1;
	if (s->have_zone) {
		sec = utc_seconds(&w) - s->zone;
	} else {
		bool ok;
		sec = local_seconds(&w, &ok);
		if (!ok && !s->rel)
			return false;
	}
	sec += s->rel_sec;
	frac += s->rel_ns;
done:
	while (frac < 0)
		frac += 1000000000, sec--;
	sec += frac / 1000000000;
	*t = sec;
	*ns = (uint32_t)(frac % 1000000000);
	return true;
}

bool parse_date(const char *text, int64_t now_t, uint32_t now_ns, int64_t *t, uint32_t *ns) {
	char *own = NULL;
	while (isspace((unsigned char)*text))
		text++;
	if (strncmp(text, "TZ=\"", 4) == 0 && strchr(text + 4, '"')) {
		const char *end = strchr(text + 4, '"');
		own = xstrndup(text + 4, (size_t)(end - text - 4));
		tz_set(own);
		text = end + 1;
	}
	struct state s = {.p = text};
	local_time(now_t, now_ns, &s.base);
	bool ok = items(&s);
	ok = ok && resolve(&s, now_t, now_ns, t, ns);
	if (own)
		tz_set(NULL);
	free(own);
	return ok;
}
