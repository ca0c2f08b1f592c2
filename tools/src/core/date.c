/* date */
#include "tool.h"

const char date_help[] = " [OPTION]... [+FORMAT]\n"
    "  or:  date [-u|--utc|--universal] [MMDDhhmm[[CC]YY][.ss]]\n"
    "Display date and time in the given FORMAT.\n\n"
    "  -d, --date=STRING          display time described by STRING, not 'now'\n"
    "  -f, --file=DATEFILE        like --date; once for each line of DATEFILE\n"
    "  -I[FMT], --iso-8601[=FMT]  output date/time in ISO 8601 format: date, hours, minutes, seconds, ns\n"
    "  -R, --rfc-email            output date and time in RFC 5322 format\n"
    "      --rfc-3339=FMT         output date/time in RFC 3339 format: date, seconds, ns\n"
    "  -r, --reference=FILE       display the last modification time of FILE\n"
    "  -s, --set=STRING           set time described by STRING\n"
    "  -u, --utc, --universal     print Coordinated Universal Time (UTC)\n";

static const struct lopt longs[] = {{"date", 1, 'd'}, {"file", 1, 'f'}, {"iso-8601", 2, 'I'}, {"reference", 1, 'r'},
    {"rfc-822", 0, 'R'}, {"rfc-2822", 0, 'R'}, {"rfc-email", 0, 'R'}, {"rfc-3339", 1, 3}, {"set", 1, 's'}, {"uct", 0, 'u'},
    {"utc", 0, 'u'}, {"universal", 0, 'u'}, {"debug", 0, 4}, {"resolution", 0, 5}, {0, 0, 0}};
static const char *const iso_names[] = {"hours", "minutes", "date", "seconds", "ns", 0};
static const char *const iso_formats[] = {"%Y-%m-%dT%H%:z", "%Y-%m-%dT%H:%M%:z", "%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%:z",
    "%Y-%m-%dT%H:%M:%S,%N%:z"};
static const char *const rfc_names[] = {"date", "seconds", "ns", 0};
static const char *const rfc_formats[] = {"%Y-%m-%d", "%Y-%m-%d %H:%M:%S%:z", "%Y-%m-%d %H:%M:%S.%N%:z"};

static void show(const char *format, int64_t t, uint32_t ns) {
	struct when w;
	local_time(t, ns, &w);
	char *s = time_format(format, &w);
	puts(s);
	free(s);
}

static int show_string(const char *format, const char *text) {
	int64_t t, nt;
	uint32_t ns, nns;
	now(&nt, &nns);
	if (!parse_date(text, nt, nns, &t, &ns)) {
		warn("invalid date %s", quote(text));
		return 1;
	}
	show(format, t, ns);
	return 0;
}

static int show_file(const char *format, const char *name) {
	int fd = open_input(name), rc = 0;
	struct rd r;
	size_t n;
	char *line;
	if (fd < 0)
		die_errno(1, "%s", quotef(name));
	rd_init(&r, fd);
	while ((line = rd_line(&r, '\n', &n))) {
		char *s = xstrndup(line, n && line[n - 1] == '\n' ? n - 1 : n);
		rc |= show_string(format, s);
		free(s);
	}
	return rc;
}

struct options {
	const char *format, *date, *file, *reference, *set;
};

static void give_format(struct options *o, const char *f) {
	if (o->format)
		die(1, "multiple output formats specified");
	o->format = f;
}

static void parse(int argc, char **argv, struct options *o) {
	int c;
	while ((c = opt_next(argc, argv, "d:f:I::r:Rs:u", longs)) != -1) {
		switch (c) {
		case 'd': o->date = opt_arg; break;
		case 'f': o->file = opt_arg; break;
		case 'r': o->reference = opt_arg; break;
		case 's': o->set = opt_arg; break;
		case 'R': give_format(o, "%a, %d %b %Y %H:%M:%S %z"); break;
		case 'I': give_format(o, iso_formats[opt_arg ? argmatch("--iso-8601", opt_arg, iso_names) : 2]); break;
		case 3: give_format(o, rfc_formats[argmatch("--rfc-3339", opt_arg, rfc_names)]); break;
		case 5: give_format(o, "0.000000001"); break;
		case 'u': setenv("TZ", "UTC0", 1); break;
		}
	}
}

int date_main(int argc, char **argv) {
	struct options o = {0};
	parse(argc, argv, &o);
	if (!!o.date + !!o.file + !!o.reference > 1) {
		warn("the options to specify dates for printing are mutually exclusive");
		usage(1);
	}
	if (opt_ind < argc && argv[opt_ind][0] == '+')
		give_format(&o, argv[opt_ind++] + 1);
	if (opt_ind < argc && o.format && argv[opt_ind - 1][0] == '+')
		extra_operand(1, argv[opt_ind]);
	if (opt_ind < argc && (o.date || o.file || o.reference)) {
		warn("the argument %s lacks a leading '+';\nwhen using an option to specify date(s), any non-option\n"
		     "argument must be a format string beginning with '+'", quote(argv[opt_ind]));
		usage(1);
	}
	if (o.set || opt_ind < argc) {
		if (opt_ind < argc && strspn(argv[opt_ind], "0123456789.") != strlen(argv[opt_ind]))
			die(1, "invalid date %s", quote(argv[opt_ind]));
		errno = EPERM;
		warn_errno("cannot set date");
		return 1;
	}
	const char *format = o.format ? o.format : "%a %b %e %H:%M:%S %Z %Y";
	if (o.date)
		return show_string(format, o.date);
	if (o.file)
		return show_file(format, o.file);
	int64_t t;
	uint32_t ns;
	now(&t, &ns);
	if (o.reference) {
		struct sbx_stat st;
		if (sbx_stat(o.reference, 0, &st))
			die_errno(1, "%s", quotef(o.reference));
		t = st.mtime, ns = st.mtime_ns;
	}
	show(format, t, ns);
	return 0;
}
