/* strftime as GNU date has it in the C locale: flags - _ 0 + ^ #, widths, %N %:z %P %q %s and years of any size. */
#include "tool.h"

static const char *const days[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
static const char *const months[] = {"January", "February", "March", "April", "May", "June", "July", "August",
    "September", "October", "November", "December"};

struct out {
	char *b;
	size_t n, cap;
};

static void put(struct out *o, char c) {
	o->b = grow(o->b, o->n + 1, &o->cap, 1);
	o->b[o->n++] = c;
	o->b[o->n] = 0;
}

struct spec {
	char pad; /* 0 none given, '-', '_', '0', '+' */
	bool upper, swap;
	int width; /* -1: none given */
	int colons;
};

static void text(struct out *o, const struct spec *s, const char *t, size_t len) {
	int fill = s->width - (int)len;
	if (s->pad != '-')
		for (; fill > 0; fill--)
			put(o, s->pad == '0' || s->pad == '+' ? '0' : ' ');
	for (size_t i = 0; i < len; i++) {
		char c = t[i];
		if (s->upper && c >= 'a' && c <= 'z')
			c -= 32;
		put(o, c);
	}
}

/* A number of at least width digits, padded with pad unless the flags say otherwise. */
static void number(struct out *o, const struct spec *s, int64_t v, int width, char pad) {
	char buf[24];
	bool neg = v < 0;
	char *d = umax(neg ? 0 - (uint64_t)v : (uint64_t)v, buf);
	char with = s->pad ? s->pad : pad;
	if (s->pad == '+')
		with = '0';
	int w = s->width >= 0 ? s->width : width;
	if (with == '-')
		w = 0;
	bool plus = s->pad == '+' && !neg && (int)strlen(d) > width;
	int fill = w - (int)strlen(d) - (neg || plus);
	if (s->pad == '+' && !neg && !plus && s->width > width)
		plus = true, fill--;
	if (with == '_')
		for (; fill > 0; fill--)
			put(o, ' ');
	if (neg || plus)
		put(o, neg ? '-' : '+');
	for (; fill > 0; fill--)
		put(o, '0');
	while (*d)
		put(o, *d++);
}

static int iso_week_days(int yday, int wday) {
	int big = 3 * 7;
	return yday - (yday - wday + 4 + big) % 7 + 4 - 1;
}

static bool leap(int64_t y) { return y % 4 == 0 && (y % 100 != 0 || y % 400 == 0); }

static void iso(const struct when *w, int64_t *year, int *week) {
	int d = iso_week_days(w->yday, w->wday);
	*year = w->year;
	if (d < 0) {
		(*year)--;
		d = iso_week_days(w->yday + 365 + leap(*year), w->wday);
	} else {
		int e = iso_week_days(w->yday - (365 + leap(w->year)), w->wday);
		if (e >= 0) {
			(*year)++;
			d = e;
		}
	}
	*week = d / 7 + 1;
}

static void zone(struct out *o, const struct spec *s, const struct when *w) {
	int32_t a = w->off < 0 ? -w->off : w->off;
	int h = a / 3600, m = a / 60 % 60, sec = a % 60;
	char digits[24], sign = w->off < 0 ? '-' : '+';
	switch (s->colons) {
	case 0: snprintf(digits, sizeof digits, "%02d%02d", h, m); break;
	case 1: snprintf(digits, sizeof digits, "%02d:%02d", h, m); break;
	case 2: snprintf(digits, sizeof digits, "%02d:%02d:%02d", h, m, sec); break;
	default:
		snprintf(digits, sizeof digits, sec ? "%02d:%02d:%02d" : m ? "%02d:%02d" : "%02d", h, m, sec);
	}
	char *d = digits;
	if ((s->pad == '_' || s->pad == '-') && *d == '0')
		d++;
	int fill = s->width - 1 - (int)strlen(d);
	if (s->pad == '_' && s->width < 0)
		fill = (int)(d - digits);
	if (s->pad == '_')
		for (; fill > 0; fill--)
			put(o, ' ');
	put(o, sign);
	if (s->pad != '-')
		for (; fill > 0; fill--)
			put(o, '0');
	while (*d)
		put(o, *d++);
}

static void nanos(struct out *o, const struct spec *s, uint32_t ns) {
	char buf[16];
	int width = s->width > 0 ? s->width : 9;
	snprintf(buf, sizeof buf, "%09u", (unsigned)ns);
	for (int i = 0; i < width; i++)
		put(o, i < 9 ? buf[i] : s->pad == '_' ? ' ' : '0');
}

static void format(struct out *o, const char *f, const struct when *w);

static void nested(struct out *o, const struct spec *s, const char *f, const struct when *w) {
	struct out in = {0};
	format(&in, f, w);
	text(o, s, in.b, in.n);
	free(in.b);
}

static void name(struct out *o, struct spec s, const char *t, size_t len) {
	if (s.swap)
		s.upper = true;
	text(o, &s, t, len);
}

static int64_t century(int64_t y) { return y / 100 - (y % 100 < 0); }
static int h12(int h) { return h % 12 ? h % 12 : 12; }

/* One conversion. False: not one of ours, to be copied as it stands. */
static bool convert(struct out *o, struct spec s, char c, const struct when *w) {
	int64_t iso_year;
	int iso_week;
	char abbr[40];
	switch (c) {
	case '%': text(o, &s, "%", 1); break;
	case 'n': text(o, &s, "\n", 1); break;
	case 't': text(o, &s, "\t", 1); break;
	case 'a': name(o, s, days[w->wday], 3); break;
	case 'A': name(o, s, days[w->wday], strlen(days[w->wday])); break;
	case 'b': case 'h': name(o, s, months[w->mon], 3); break;
	case 'B': name(o, s, months[w->mon], strlen(months[w->mon])); break;
	case 'c': nested(o, &s, "%a %b %e %H:%M:%S %Y", w); break;
	case 'C': number(o, &s, century(w->year), 2, '0'); break;
	case 'd': number(o, &s, w->mday, 2, '0'); break;
	case 'e': number(o, &s, w->mday, 2, '_'); break;
	case 'D': case 'x': nested(o, &s, "%m/%d/%y", w); break;
	case 'F': {
		struct spec y = {.pad = s.pad ? s.pad : '+', .width = s.width > 6 ? s.width - 6 : -1};
		number(o, &y, w->year, 4, '0');
		nested(o, &(struct spec){.width = -1}, "-%m-%d", w);
		break;
	}
	case 'g': iso(w, &iso_year, &iso_week); number(o, &s, ((iso_year % 100) + 100) % 100, 2, '0'); break;
	case 'G': iso(w, &iso_year, &iso_week); number(o, &s, iso_year, 4, '0'); break;
	case 'V': iso(w, &iso_year, &iso_week); number(o, &s, iso_week, 2, '0'); break;
	case 'H': number(o, &s, w->hour, 2, '0'); break;
	case 'I': number(o, &s, h12(w->hour), 2, '0'); break;
	case 'k': number(o, &s, w->hour, 2, '_'); break;
	case 'l': number(o, &s, h12(w->hour), 2, '_'); break;
	case 'j': number(o, &s, w->yday + 1, 3, '0'); break;
	case 'm': number(o, &s, w->mon + 1, 2, '0'); break;
	case 'M': number(o, &s, w->min, 2, '0'); break;
	case 'S': number(o, &s, w->sec, 2, '0'); break;
	case 'N': nanos(o, &s, w->ns); break;
	case 'p': text(o, &s, s.swap ? (w->hour < 12 ? "am" : "pm") : (w->hour < 12 ? "AM" : "PM"), 2); break;
	case 'P': text(o, &s, w->hour < 12 ? "am" : "pm", 2); break;
	case 'q': number(o, &s, w->mon / 3 + 1, 1, '0'); break;
	case 'r': nested(o, &s, "%I:%M:%S %p", w); break;
	case 'R': nested(o, &s, "%H:%M", w); break;
	case 's': number(o, &s, w->t, 1, '0'); break;
	case 'T': case 'X': nested(o, &s, "%H:%M:%S", w); break;
	case 'u': number(o, &s, w->wday ? w->wday : 7, 1, '0'); break;
	case 'w': number(o, &s, w->wday, 1, '0'); break;
	case 'U': number(o, &s, (w->yday - w->wday + 7) / 7, 2, '0'); break;
	case 'W': number(o, &s, (w->yday - (w->wday + 6) % 7 + 7) / 7, 2, '0'); break;
	case 'y': number(o, &s, ((w->year % 100) + 100) % 100, 2, '0'); break;
	case 'Y': number(o, &s, w->year, 4, '0'); break;
	case 'z': zone(o, &s, w); break;
	case 'Z':
		snprintf(abbr, sizeof abbr, "%s", w->abbr ? w->abbr : "");
		for (char *p = abbr; s.swap && *p; p++)
			if (*p >= 'A' && *p <= 'Z')
				*p += 32;
		text(o, &s, abbr, strlen(abbr));
		break;
	default: return false;
	}
	return true;
}

static void format(struct out *o, const char *f, const struct when *w) {
	for (; *f; f++) {
		if (*f != '%') {
			put(o, *f);
			continue;
		}
		const char *start = f++;
		struct spec s = {.width = -1};
		for (; *f && strchr("-_0+^#", *f); f++) {
			if (*f == '^')
				s.upper = true;
			else if (*f == '#')
				s.swap = true;
			else
				s.pad = *f;
		}
		if (*f >= '0' && *f <= '9')
			for (s.width = 0; *f >= '0' && *f <= '9'; f++)
				s.width = s.width > 4000 ? 4096 : s.width * 10 + *f - '0';
		if (*f == 'E' || *f == 'O')
			f++;
		const char *mark = f;
		while (*f == ':' && s.colons < 3)
			f++, s.colons++;
		if (s.colons && *f != 'z')
			f = mark + (*mark == ':');
		if (*f && (s.colons == 0 || *f == 'z') && convert(o, s, *f, w))
			continue;
		while (start < f)
			put(o, *start++);
		if (!*f)
			return;
		put(o, *f);
	}
}

char *time_format(const char *f, const struct when *w) {
	struct out o = {0};
	o.b = grow(NULL, 0, &o.cap, 1);
	*o.b = 0;
	format(&o, f, w);
	return o.b;
}
