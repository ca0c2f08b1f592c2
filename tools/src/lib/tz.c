/* Time zones: TZ as POSIX rules or as the name of a TZif file; the civil calendar. */
#include "tool.h"

struct rule { /* Mm.w.d, Jn or n, at seconds after midnight */
	char kind; /* 'M', 'J', '0', or 0 for none */
	int m, w, d;
	int32_t at;
};
struct posix {
	bool has_dst;
	char std[32], dst[32];
	int32_t std_off, dst_off; /* seconds east */
	struct rule from, to;
};
struct transition {
	int64_t t;
	int32_t off;
	int isdst;
	const char *abbr;
};
static struct {
	bool set;
	struct posix posix;
	struct transition *trans; /* sorted; the type before the first is first */
	size_t n;
	struct transition first;
	char *file;
	bool has_rule;
} zone;

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }
static bool leap(int64_t y) { return y % 4 == 0 && (y % 100 != 0 || y % 400 == 0); }

/* Days from 1970-01-01 to the first day of a month. */
static int64_t days_from_civil(int64_t y, int mon, int64_t day) {
	int64_t m = mon + 1;
	y -= m <= 2;
	int64_t era = floor_div(y, 400), yoe = y - era * 400;
	int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468 + day - 1;
}

static void civil(int64_t days, struct when *w) {
	int64_t z = days + 719468, era = floor_div(z, 146097), doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
	w->mday = (int)(doy - (153 * mp + 2) / 5 + 1);
	w->mon = (int)(mp < 10 ? mp + 2 : mp - 10);
	w->year = yoe + era * 400 + (w->mon <= 1);
	w->yday = (int)(days - days_from_civil(w->year, 0, 1));
	w->wday = (int)(((days + 4) % 7 + 7) % 7);
}

static void break_down(int64_t t, int32_t off, struct when *w) {
	int64_t local = t + off, days = floor_div(local, 86400);
	int sec = (int)(local - days * 86400);
	civil(days, w);
	w->hour = sec / 3600;
	w->min = sec / 60 % 60;
	w->sec = sec % 60;
	w->off = off;
	w->t = t;
}

/* ---- POSIX rules */
static bool zone_name(const char **s, char out[32]) {
	size_t n = 0;
	bool quoted = **s == '<';
	*s += quoted;
	for (; **s && (quoted ? **s != '>' : ((**s | 32) >= 'a' && (**s | 32) <= 'z')); (*s)++)
		if (n < 31)
			out[n++] = **s;
	out[n] = 0;
	if (quoted && *(*s) != '>')
		return false;
	*s += quoted;
	return n >= (quoted ? 1 : 3);
}

static bool hms(const char **s, int32_t *out) {
	int sign = 1;
	if (**s == '-' || **s == '+')
		sign = *(*s)++ == '-' ? -1 : 1;
	int32_t v = 0, unit = 3600;
	for (int i = 0; i < 3; i++, unit /= 60) {
		int32_t k = 0;
		if (**s < '0' || **s > '9')
			return i > 0;
		while (**s >= '0' && **s <= '9' && k < 1000)
			k = k * 10 + *(*s)++ - '0';
		v += k * unit;
		*out = v * sign;
		if (**s != ':')
			return true;
		(*s)++;
	}
	return true;
}

static int small(const char **s) {
	int v = 0;
	while (**s >= '0' && **s <= '9' && v < 10000)
		v = v * 10 + *(*s)++ - '0';
	return v;
}

static bool parse_rule(const char **s, struct rule *r) {
	*r = (struct rule){.kind = '0', .at = 7200};
	if (**s == 'M') {
		r->kind = 'M', (*s)++;
		r->m = small(s);
		if (*(*s)++ != '.')
			return false;
		r->w = small(s);
		if (*(*s)++ != '.')
			return false;
		r->d = small(s);
		if (r->m < 1 || r->m > 12 || r->w < 1 || r->w > 5 || r->d > 6)
			return false;
	} else {
		if (**s == 'J')
			r->kind = 'J', (*s)++;
		if (**s < '0' || **s > '9')
			return false;
		r->d = small(s);
	}
	if (**s == '/') {
		(*s)++;
		return hms(s, &r->at);
	}
	return true;
}

static bool parse_posix(const char *s, struct posix *p) {
	*p = (struct posix){0};
	int32_t off;
	if (!zone_name(&s, p->std) || !hms(&s, &off))
		return false;
	p->std_off = -off;
	if (!*s)
		return true;
	if (!zone_name(&s, p->dst))
		return false;
	p->has_dst = true;
	p->dst_off = p->std_off + 3600;
	if (*s && *s != ',') {
		if (!hms(&s, &off))
			return false;
		p->dst_off = -off;
	}
	const char *rules = *s ? s : ",M3.2.0,M11.1.0";
	if (*rules++ != ',' || !parse_rule(&rules, &p->from) || *rules++ != ',' || !parse_rule(&rules, &p->to))
		return false;
	return !*rules;
}

/* Local seconds (as if UTC) at which a rule strikes in a year. */
static int64_t strikes(const struct rule *r, int64_t year) {
	int64_t day;
	if (r->kind == 'M') {
		day = days_from_civil(year, r->m - 1, 1);
		int wday = (int)(((day + 4) % 7 + 7) % 7);
		day += (r->d - wday + 7) % 7 + (r->w - 1) * 7;
		int64_t next = r->m == 12 ? days_from_civil(year + 1, 0, 1) : days_from_civil(year, r->m, 1);
		while (day >= next)
			day -= 7;
	} else {
		day = days_from_civil(year, 0, 1) + r->d;
		if (r->kind == 'J')
			day -= !(leap(year) && r->d >= 60);
	}
	return day * 86400 + r->at;
}

static bool in_dst(const struct posix *p, int64_t t) {
	struct when w;
	break_down(t, p->std_off, &w);
	int64_t from = strikes(&p->from, w.year) - p->std_off, to = strikes(&p->to, w.year) - p->dst_off;
	return from < to ? t >= from && t < to : t >= from || t < to;
}

/* ---- TZif files */
static int64_t be(const unsigned char *p, int n) {
	uint64_t v = p[0] & 0x80 ? UINT64_MAX : 0;
	for (int i = 0; i < n; i++)
		v = v << 8 | p[i];
	return (int64_t)v;
}

static bool take_types(unsigned char *p, size_t len, const uint32_t c[6], int width) {
	size_t timecnt = c[3], typecnt = c[4], charcnt = c[5];
	if (typecnt == 0 || charcnt == 0 || timecnt > 100000 || typecnt > 256 || charcnt > 65536 ||
	    timecnt * (size_t)(width + 1) + typecnt * 6 + charcnt > len)
		return false;
	unsigned char *index = p + timecnt * (size_t)width, *types = index + timecnt;
	char *chars = (char *)types + typecnt * 6;
	for (size_t i = 0; i < typecnt; i++)
		if (types[i * 6 + 5] >= charcnt)
			return false;
	if (!memchr(chars + charcnt - 1, 0, 1))
		return false;
	struct transition *t = xcalloc(timecnt + 1, sizeof *t);
	for (size_t i = 0; i < timecnt; i++) {
		if (index[i] >= typecnt) {
			free(t);
			return false;
		}
		unsigned char *y = types + index[i] * 6;
		t[i] = (struct transition){be(p + i * (size_t)width, width), (int32_t)be(y, 4), y[4], chars + y[5]};
	}
	zone.first = (struct transition){INT64_MIN, (int32_t)be(types, 4), types[4], chars + types[5]};
	zone.trans = t;
	zone.n = timecnt;
	return true;
}

static bool header(const unsigned char *p, size_t len, uint32_t c[6]) {
	if (len < 44 || memcmp(p, "TZif", 4))
		return false;
	for (int i = 0; i < 6; i++)
		if ((c[i] = (uint32_t)be(p + 20 + 4 * i, 4)) > 1000000)
			return false;
	return true;
}

static size_t body(const uint32_t c[6], size_t width) {
	return c[3] * (width + 1) + c[4] * 6 + c[5] + c[2] * (width + 4) + c[1] + c[0];
}

static bool parse_tzif(char *text, size_t len) {
	unsigned char *p = (unsigned char *)text;
	uint32_t c[6];
	if (!header(p, len, c))
		return false;
	if (p[4] < '2')
		return take_types(p + 44, len - 44, c, 4);
	size_t skip = 44 + body(c, 4);
	if (skip > len || !header(p + skip, len - skip, c))
		return false;
	p += skip + 44, len -= skip + 44;
	size_t all = body(c, 8);
	if (all > len || !take_types(p, len, c, 8))
		return false;
	char *foot = (char *)p + all, *end = all < len ? memchr(foot + 1, '\n', len - all - 1) : NULL;
	if (end && *foot == '\n') {
		*end = 0;
		zone.has_rule = parse_posix(foot + 1, &zone.posix);
	}
	return true;
}

static bool load_file(const char *name) {
	if (strstr(name, ".."))
		return false;
	char *path = *name == '/' ? xstrdup(name) : xasprintf("/usr/share/zoneinfo/%s", name);
	size_t len;
	struct sbx_stat st;
	char *text = sbx_stat(path, 0, &st) == 0 && S_ISREG(st.mode) && st.size < 1 << 20 ? slurp(path, &len) : NULL;
	free(path);
	if (!text)
		return false;
	zone.file = text;
	return parse_tzif(text, len);
}

void tz_set(const char *tz) {
	free(zone.trans);
	free(zone.file);
	memset(&zone, 0, sizeof zone);
	zone.set = true;
	if (!tz)
		tz = getenv("TZ");
	bool from_env = tz != NULL;
	if (!tz)
		tz = "/etc/localtime";
	else if (*tz == ':')
		tz++;
	if (*tz && load_file(tz))
		return;
	free(zone.trans);
	zone.trans = NULL;
	zone.n = 0;
	memset(&zone.first, 0, sizeof zone.first);
	zone.has_rule = true;
	if (from_env && parse_posix(tz, &zone.posix))
		return;
	zone.posix = (struct posix){.std = "UTC"};
	size_t n = 0; /* glibc keeps the letters of a zone it does not know, with offset 0 */
	while (from_env && ((tz[n] | 32) >= 'a' && (tz[n] | 32) <= 'z') && n < 31)
		n++;
	if (n >= 3)
		memcpy(zone.posix.std, tz, n), zone.posix.std[n] = 0;
}

static struct transition type_at(int64_t t) {
	if (!zone.set)
		tz_set(NULL);
	if (zone.n && (t < zone.trans[zone.n - 1].t || !zone.has_rule)) {
		size_t lo = 0, hi = zone.n;
		while (lo < hi) {
			size_t mid = (lo + hi) / 2;
			if (zone.trans[mid].t <= t)
				lo = mid + 1;
			else
				hi = mid;
		}
		return lo ? zone.trans[lo - 1] : zone.first;
	}
	if (!zone.has_rule)
		return zone.first;
	struct posix *p = &zone.posix;
	bool dst = p->has_dst && in_dst(p, t);
	return (struct transition){t, dst ? p->dst_off : p->std_off, dst, dst ? p->dst : p->std};
}

void local_time(int64_t t, uint32_t ns, struct when *w) {
	struct transition x = type_at(t);
	break_down(t, x.off, w);
	w->isdst = x.isdst;
	w->abbr = x.abbr;
	w->ns = ns;
}

void utc_time(int64_t t, uint32_t ns, struct when *w) {
	break_down(t, 0, w);
	w->isdst = 0;
	w->abbr = "UTC";
	w->ns = ns;
}

int64_t utc_seconds(const struct when *w) {
	int64_t mon = w->mon, year = w->year + floor_div(mon, 12);
	mon -= floor_div(mon, 12) * 12;
	return (days_from_civil(year, (int)mon, 1) + w->mday - 1) * 86400 + (int64_t)w->hour * 3600 + (int64_t)w->min * 60 + w->sec;
}

int64_t local_seconds(const struct when *w, bool *ok) {
	int64_t want = utc_seconds(w);
	struct transition before = type_at(want - 86400), after = type_at(want + 86400);
	int64_t a = want - before.off, b = want - after.off;
	bool a_fits = type_at(a).off == before.off, b_fits = type_at(b).off == after.off;
	*ok = a_fits || b_fits;
	if (a_fits && b_fits && a != b) /* an hour that happens twice */
		return w->isdst < 0 || (type_at(a).isdst != 0) == (w->isdst != 0) ? a : b;
	return a_fits ? a : b_fits ? b : a;
}

void now(int64_t *t, uint32_t *ns) {
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	*t = ts.tv_sec;
	*ns = (uint32_t)ts.tv_nsec;
}
