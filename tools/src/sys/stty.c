/* stty */
#include "tool.h"

const char stty_help[] = " [-F DEVICE | --file=DEVICE] [SETTING]...\n  or:  stty [-F DEVICE | --file=DEVICE] [-a|--all]\n  or:  stty [-F DEVICE | --file=DEVICE] [-g|--save]\n"
    "Print or change terminal characteristics.\n\n"
    "  -a, --all          print all current settings in human-readable form\n  -g, --save         print all current settings in a stty-readable form\n"
    "  -F, --file=DEVICE  open and use the DEVICE instead of stdin\n\n"
    "Settings: the flags that -a shows, a '-' in front turns one off; the characters that it shows, as 'intr ^C';\n"
    "sane, raw, cooked, cbreak, nl, ek, crt, dec, evenp, oddp, pass8, litout, tabs, lcase; rows N, cols N, size, speed, N (a speed),\n"
    "ispeed N, ospeed N, min N, time N, line N, and what -g printed.\n";

enum { CONTROL, INPUT, OUTPUT, LOCAL };

/* A flag, or one value of a field with more than two. */
static const struct mode {
	const char *name;
	uint8_t group, sane; /* sane: 1 on in a sane terminal, 2 off */
	uint32_t bits, mask; /* mask 0: the bits */
	bool alias;          /* not shown */
} modes[] = {
    {"parenb", CONTROL, 0, 0400, 0, 0}, {"parodd", CONTROL, 0, 01000, 0, 0}, {"cmspar", CONTROL, 0, 010000000000, 0, 0},
    {"cs5", CONTROL, 0, 0, 060, 0}, {"cs6", CONTROL, 0, 020, 060, 0}, {"cs7", CONTROL, 0, 040, 060, 0}, {"cs8", CONTROL, 0, 060, 060, 0},
    {"hupcl", CONTROL, 0, 02000, 0, 0}, {"hup", CONTROL, 0, 02000, 0, 1}, {"cstopb", CONTROL, 0, 0100, 0, 0}, {"cread", CONTROL, 1, 0200, 0, 0},
    {"clocal", CONTROL, 0, 04000, 0, 0}, {"crtscts", CONTROL, 0, 020000000000, 0, 0},
    {"ignbrk", INPUT, 2, 01, 0, 0}, {"brkint", INPUT, 1, 02, 0, 0}, {"ignpar", INPUT, 0, 04, 0, 0}, {"parmrk", INPUT, 0, 010, 0, 0},
    {"inpck", INPUT, 0, 020, 0, 0}, {"istrip", INPUT, 0, 040, 0, 0}, {"inlcr", INPUT, 2, 0100, 0, 0}, {"igncr", INPUT, 2, 0200, 0, 0},
    {"icrnl", INPUT, 1, 0400, 0, 0}, {"ixon", INPUT, 0, 02000, 0, 0}, {"ixoff", INPUT, 2, 010000, 0, 0}, {"tandem", INPUT, 0, 010000, 0, 1},
    {"iuclc", INPUT, 2, 01000, 0, 0}, {"ixany", INPUT, 2, 04000, 0, 0}, {"imaxbel", INPUT, 1, 020000, 0, 0}, {"iutf8", INPUT, 2, 040000, 0, 0},
    {"opost", OUTPUT, 1, 01, 0, 0}, {"olcuc", OUTPUT, 2, 02, 0, 0}, {"ocrnl", OUTPUT, 2, 010, 0, 0}, {"onlcr", OUTPUT, 1, 04, 0, 0},
    {"onocr", OUTPUT, 2, 020, 0, 0}, {"onlret", OUTPUT, 2, 040, 0, 0}, {"ofill", OUTPUT, 2, 0100, 0, 0}, {"ofdel", OUTPUT, 2, 0200, 0, 0},
    {"nl1", OUTPUT, 2, 0400, 0400, 0}, {"nl0", OUTPUT, 1, 0, 0400, 0}, {"cr3", OUTPUT, 2, 03000, 03000, 0}, {"cr2", OUTPUT, 2, 02000, 03000, 0},
    {"cr1", OUTPUT, 2, 01000, 03000, 0}, {"cr0", OUTPUT, 1, 0, 03000, 0}, {"tab3", OUTPUT, 2, 014000, 014000, 0}, {"tab2", OUTPUT, 2, 010000, 014000, 0},
    {"tab1", OUTPUT, 2, 04000, 014000, 0}, {"tab0", OUTPUT, 1, 0, 014000, 0}, {"bs1", OUTPUT, 2, 020000, 020000, 0}, {"bs0", OUTPUT, 1, 0, 020000, 0},
    {"vt1", OUTPUT, 2, 040000, 040000, 0}, {"vt0", OUTPUT, 1, 0, 040000, 0}, {"ff1", OUTPUT, 2, 0100000, 0100000, 0}, {"ff0", OUTPUT, 1, 0, 0100000, 0},
    {"isig", LOCAL, 1, 01, 0, 0}, {"icanon", LOCAL, 1, 02, 0, 0}, {"iexten", LOCAL, 1, 0100000, 0, 0}, {"echo", LOCAL, 1, 010, 0, 0},
    {"echoe", LOCAL, 1, 020, 0, 0}, {"crterase", LOCAL, 0, 020, 0, 1}, {"echok", LOCAL, 1, 040, 0, 0}, {"echonl", LOCAL, 2, 0100, 0, 0},
    {"noflsh", LOCAL, 2, 0200, 0, 0}, {"xcase", LOCAL, 2, 04, 0, 0}, {"tostop", LOCAL, 2, 0400, 0, 0}, {"echoprt", LOCAL, 2, 02000, 0, 0},
    {"prterase", LOCAL, 0, 02000, 0, 1}, {"echoctl", LOCAL, 1, 01000, 0, 0}, {"ctlecho", LOCAL, 0, 01000, 0, 1}, {"echoke", LOCAL, 1, 04000, 0, 0},
    {"crtkill", LOCAL, 0, 04000, 0, 1}, {"flusho", LOCAL, 2, 010000, 0, 0}, {"extproc", LOCAL, 2, 0200000, 0, 0}};

static const struct key {
	const char *name;
	uint8_t index, sane;
} keys[] = {{"intr", 0, 3}, {"quit", 1, 28}, {"erase", 2, 127}, {"kill", 3, 21}, {"eof", 4, 4}, {"eol", 11, 0}, {"eol2", 16, 0}, {"swtch", 7, 0},
    {"start", 8, 17}, {"stop", 9, 19}, {"susp", 10, 26}, {"rprnt", 12, 18}, {"werase", 14, 23}, {"lnext", 15, 22}, {"discard", 13, 15}};
enum { TIME = 5, MIN = 6, ICANON_BIT = 02 };

/* Settings that are several others. */
static const struct {
	const char *name, *means;
} groups[] = {{"evenp", "parenb -parodd cs7"}, {"parity", "parenb -parodd cs7"}, {"-evenp", "-parenb cs8"}, {"-parity", "-parenb cs8"},
    {"oddp", "parenb parodd cs7"}, {"-oddp", "-parenb cs8"}, {"nl", "-icrnl -onlcr"}, {"-nl", "icrnl -inlcr -igncr onlcr -ocrnl -onlret"},
    {"ek", "erase ^? kill ^U"}, {"cooked", "brkint ignpar istrip icrnl ixon opost isig icanon eof ^D eol undef"},
    {"-raw", "brkint ignpar istrip icrnl ixon opost isig icanon eof ^D eol undef"},
    {"raw", "-ignbrk -brkint -ignpar -parmrk -inpck -istrip -inlcr -igncr -icrnl -ixon -ixoff -icanon -opost -isig -iuclc -ixany -imaxbel -xcase min 1 time 0"},
    {"-cooked", "raw"}, {"cbreak", "-icanon"}, {"-cbreak", "icanon"}, {"pass8", "-parenb -istrip cs8"}, {"-pass8", "parenb istrip cs7"},
    {"litout", "-parenb -istrip -opost cs8"}, {"-litout", "parenb istrip opost cs7"}, {"crt", "echoe echoctl echoke"},
    {"dec", "echoe echoctl echoke -ixany intr ^C erase ^? kill ^U"}, {"decctlq", "-ixany"}, {"-decctlq", "ixany"}, {"tabs", "tab0"}, {"-tabs", "tab3"},
    {"lcase", "xcase iuclc olcuc"}, {"-lcase", "-xcase -iuclc -olcuc"}, {"LCASE", "lcase"}, {"-LCASE", "-lcase"}};

static const uint32_t speeds[] = {0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400};
static const uint32_t fast[] = {0, 57600, 115200, 230400, 460800, 500000, 576000, 921600, 1000000, 1152000, 1500000, 2000000, 2500000, 3000000, 3500000, 4000000};
#define CBAUD 010017u
#define CBAUDEX 010000u

static struct sbx_termios t;
static int tty;
static const char *device;
static uint16_t rows, cols;
static unsigned column, max_column = 80;

NORETURN static void failed(void) { die_errno(1, "%s", device ? quotef(device) : "'standard input'"); }

NORETURN static void invalid(const char *what, const char *arg) {
	warn("%s '%s'", what, arg);
	usage(1);
}

static uint32_t *flags_of(const struct mode *m) {
	return m->group == CONTROL ? &t.cflag : m->group == INPUT ? &t.iflag : m->group == OUTPUT ? &t.oflag : &t.lflag;
}

static bool is_on(const struct mode *m) { return (*flags_of(m) & (m->mask ? m->mask : m->bits)) == m->bits; }

static void set_mode(const struct mode *m, bool on) {
	uint32_t *f = flags_of(m);
	*f = (*f & ~(m->mask ? m->mask : m->bits)) | (on ? m->bits : 0);
}

/* ---- showing */

static void end_line(void) {
	if (column)
		putchar('\n');
	column = 0;
}

PRINTF(1, 2) static void wrapped(const char *fmt, ...) {
	va_list ap;
	char text[64];
	va_start(ap, fmt);
	unsigned n = (unsigned)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (column && column + 1 + n > max_column)
		end_line();
	if (column)
		putchar(' '), column++;
	fputs(text, stdout);
	column += n;
}

static const char *visible(int c) {
	static char out[8];
	char *p = out;
	if (c == 0)
		return "<undef>";
	if (c >= 128)
		*p++ = 'M', *p++ = '-', c -= 128;
	if (c < 32)
		*p++ = '^', c += 64;
	else if (c == 127)
		*p++ = '^', c = '?';
	*p++ = (char)c, *p = 0;
	return out;
}

static uint32_t baud(void) {
	uint32_t code = t.cflag & CBAUD;
	return code & CBAUDEX ? fast[code & 15] : speeds[code & 15];
}

static void show_modes(bool all) {
	unsigned group = CONTROL;
	for (size_t i = 0; i < LEN(modes); i++) {
		const struct mode *m = &modes[i];
		if (m->alias)
			continue;
		if (m->group != group)
			end_line();
		group = m->group;
		bool on = is_on(m);
		if (m->mask ? on && (all || m->sane == 2) : all || (m->sane && on != (m->sane == 1)))
			wrapped("%s%s", on ? "" : "-", m->name);
	}
	end_line();
}

static void show(bool all) {
	wrapped("speed %u baud;", baud());
	if (all) {
		wrapped("rows %u;", rows);
		wrapped("columns %u;", cols);
	}
	wrapped("line = %u;", t.line);
	end_line();
	for (size_t i = 0; i < LEN(keys); i++)
		if (all || t.cc[keys[i].index] != keys[i].sane)
			wrapped("%s = %s;", keys[i].name, visible(t.cc[keys[i].index]));
	if (all || !(t.lflag & ICANON_BIT)) {
		wrapped("min = %u;", t.cc[MIN]);
		wrapped("time = %u;", t.cc[TIME]);
	}
	end_line();
	show_modes(all);
}

static void save(void) {
	printf("%x:%x:%x:%x", t.iflag, t.oflag, t.cflag, t.lflag);
	for (size_t i = 0; i < LEN(t.cc); i++)
		printf(":%x", t.cc[i]);
	putchar('\n');
}

/* ---- changing */

/* What save printed; false if s is not that, and nothing is changed. */
static bool restore(const char *s) {
	uint32_t v[4 + LEN(t.cc)];
	for (size_t i = 0; i < LEN(v); i++) {
		char *end;
		errno = 0;
		unsigned long n = strtoul(s, &end, 16);
		if (end == s || errno || *end != (i + 1 < LEN(v) ? ':' : 0) || n > (i < 4 ? UINT32_MAX : 255))
			return false;
		v[i] = (uint32_t)n;
		s = end + 1;
	}
	t.iflag = v[0], t.oflag = v[1], t.cflag = v[2], t.lflag = v[3];
	for (size_t i = 0; i < LEN(t.cc); i++)
		t.cc[i] = (uint8_t)v[4 + i];
	return true;
}

static uint32_t integer(const char *s, uint32_t max) {
	char *end;
	errno = 0;
	unsigned long v = strtoul(s, &end, 0);
	if (end == s || *end || *s == '-')
		die(1, "invalid integer argument: '%s'", s);
	if (errno || v > max)
		die(1, "invalid integer argument: '%s': Numerical result out of range", s);
	return (uint32_t)v;
}

static uint8_t character(const char *s) {
	if (strcmp(s, "^-") == 0 || strcmp(s, "undef") == 0)
		return 0;
	if (s[0] && !s[1])
		return (uint8_t)s[0];
	if (s[0] == '^' && s[1])
		return s[1] == '?' ? 127 : (uint8_t)(s[1] & ~0140);
	return (uint8_t)integer(s, 255);
}

static bool set_speed(const char *s) {
	size_t n = strlen(s);
	if (strspn(s, "0123456789") != n || n == 0 || n > 9)
		return false;
	uint32_t v = (uint32_t)strtoul(s, NULL, 10);
	for (uint32_t i = 0; i < 16; i++)
		if (speeds[i] == v || (fast[i] == v && v)) {
			t.cflag = (t.cflag & ~CBAUD) | i | (speeds[i] == v ? 0 : CBAUDEX);
			t.ispeed = t.ospeed = v;
			return true;
		}
	return false;
}

static void sane(void) {
	for (size_t i = 0; i < LEN(modes); i++)
		if (modes[i].sane == 1)
			set_mode(&modes[i], true);
		else if (modes[i].sane == 2 && !modes[i].mask)
			set_mode(&modes[i], false);
	for (size_t i = 0; i < LEN(keys); i++)
		t.cc[keys[i].index] = keys[i].sane;
}

static bool named_mode(const char *s) {
	bool on = *s != '-';
	for (size_t i = 0; i < LEN(modes); i++)
		if (strcmp(modes[i].name, s + !on) == 0 && (on || !modes[i].mask)) {
			set_mode(&modes[i], on);
			return true;
		}
	return false;
}

static bool dirty, resized;

static char **change(char **a);

static bool named_group(const char *s) {
	for (size_t i = 0; i < LEN(groups); i++)
		if (strcmp(groups[i].name, s) == 0) {
			char *copy = xstrdup(groups[i].means), *rest = copy, *words[24] = {0};
			for (int n = 0; n < 23 && (words[n] = strtok_r(rest, " ", &rest)); n++)
				;
			for (char **w = words; *w; w = change(w) + 1)
				;
			free(copy);
			return true;
		}
	return false;
}

/* Applies *a; returns the last word that it used. */
static char **change(char **a) {
	const char *s = *a, *next = a[1];
	static const char *const with[] = {"rows", "columns", "cols", "min", "time", "line", "ispeed", "ospeed", NULL};
	for (size_t i = 0; with[i]; i++) {
		if (strcmp(with[i], s))
			continue;
		if (!next)
			invalid("missing argument to", s);
		switch (i) {
		case 0: rows = (uint16_t)integer(next, 65535), resized = true; break;
		case 1: case 2: cols = (uint16_t)integer(next, 65535), resized = true; break;
		case 3: t.cc[MIN] = (uint8_t)integer(next, 255), dirty = true; break;
		case 4: t.cc[TIME] = (uint8_t)integer(next, 255), dirty = true; break;
		case 5: t.line = (uint8_t)integer(next, 255), dirty = true; break;
		default:
			if (!set_speed(next))
				invalid(i == 6 ? "invalid ispeed" : "invalid ospeed", next);
			dirty = true;
		}
		return a + 1;
	}
	for (size_t i = 0; i < LEN(keys); i++)
		if (strcmp(keys[i].name, s) == 0) {
			if (!next)
				invalid("missing argument to", s);
			t.cc[keys[i].index] = character(next);
			dirty = true;
			return a + 1;
		}
	if (strcmp(s, "size") == 0)
		printf("%u %u\n", rows, cols);
	else if (strcmp(s, "speed") == 0)
		printf("%u\n", baud());
	else if (strcmp(s, "sane") == 0)
		sane(), dirty = true;
	else if (named_group(s) || named_mode(s) || restore(s) || set_speed(s))
		dirty = true;
	else
		invalid("invalid argument", s);
	return a;
}

int stty_main(int argc, char **argv) {
	bool all = false, saved = false;
	char **set = xcalloc((size_t)argc + 1, sizeof *set);
	int n = 0, styles = 0;
	for (int i = 1; i < argc; i++) { /* settings begin with '-' too: only these are options */
		char *a = argv[i];
		if (strcmp(a, "-a") == 0 || strcmp(a, "--all") == 0)
			all = true;
		else if (strcmp(a, "-g") == 0 || strcmp(a, "--save") == 0)
			saved = true;
		else if (strncmp(a, "--file=", 7) == 0)
			device = a + 7;
		else if (strncmp(a, "-F", 2) == 0 && a[2])
			device = a + 2;
		else if ((strcmp(a, "-F") == 0 || strcmp(a, "--file") == 0) && i + 1 < argc)
			device = argv[++i];
		else if (strncmp(a, "--", 2) == 0 || strcmp(a, "-F") == 0) {
			char *one[] = {argv[0], a, NULL};
			opt_next(2, one, "F:", NULL);
		} else
			set[n++] = a;
	}
	styles = all + saved;
	if (styles == 2)
		die(1, "the options for verbose and stty-readable output styles are\nmutually exclusive");
	if (n && styles)
		die(1, "when specifying an output style, modes may not be set");
	if (device && (tty = sbx_open(device, SBX_O_RDONLY | SBX_O_NONBLOCK, 0)) < 0)
		failed();
	if (sbx_tcget(tty, &t))
		failed();
	if (sbx_winsize(tty, &rows, &cols))
		rows = cols = 0;
	uint16_t high, wide = 0;
	const char *env = getenv("COLUMNS");
	if (sbx_winsize(1, &high, &wide) == 0 && wide)
		max_column = wide;
	else if (env && atoi(env) > 0)
		max_column = (unsigned)atoi(env);
	if (saved)
		save();
	else if (n == 0)
		show(all);
	for (char **a = set; *a; a++)
		a = change(a);
	if (dirty) {
		struct sbx_termios asked = t;
		if (sbx_tcset(tty, 1, &t) || sbx_tcget(tty, &t))
			failed();
		if (asked.iflag != t.iflag || asked.oflag != t.oflag || asked.cflag != t.cflag || asked.lflag != t.lflag || memcmp(asked.cc, t.cc, 17))
			die(1, "%s: unable to perform all requested operations", device ? quotef(device) : "'standard input'");
	}
	if (resized && sbx_set_winsize(tty, rows, cols))
		failed();
	return 0;
}
