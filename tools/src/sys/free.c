/* free, uptime */
#include "tool.h"

#include <math.h>

const char free_help[] = " [options]\nShow the memory that is used and free.\n\n"
    "  -b, --bytes   -k, --kibi (default)   -m, --mebi   -g, --gibi   --tebi   --pebi\n"
    "      --kilo  --mega  --giga  --tera  --peta\n"
    "  -h, --human            human-readable output\n      --si               powers of 1000, not 1024\n"
    "  -l, --lohi             low and high memory too\n  -t, --total            total for RAM and swap\n"
    "  -v, --committed        committed memory and its limit\n  -w, --wide             wide output\n"
    "  -s N, --seconds N      repeat every N seconds\n  -c N, --count N        repeat N times\n";
const char uptime_help[] = " [options]\nTell how long the system has been running.\n\n"
    "  -p, --pretty  show uptime in pretty format\n  -s, --since   system up since\n";

static char *meminfo;

static uint64_t field(const char *name) { /* KiB */
	size_t n = strlen(name);
	for (char *p = meminfo; p && *p; p = strchrnul(p, '\n'), p += *p == '\n')
		if (strncmp(p, name, n) == 0 && p[n] == ':')
			return strtoull(p + n + 1, NULL, 10);
	return 0;
}

static int shift = 1; /* power of the unit; 0 is bytes */
static bool human_units, si;

/* As procps scales: whole units cut, or with -h the first unit in which it has at most four characters. */
static const char *scaled(uint64_t kib) {
	static char ring[8][24];
	static int at;
	char *b = ring[at++ % 8];
	double base = si ? 1000 : 1024, bytes = (double)kib * 1024;
	if (!human_units) {
		uint64_t v = shift == 0 ? kib * 1024 : shift == 1 && !si ? kib : (uint64_t)(bytes / pow(base, shift));
		snprintf(b, 24, "%llu", (unsigned long long)v);
		return b;
	}
	static const char up[] = "BKMGTPE";
	const char *tail = si ? "" : "i";
	snprintf(b, 24, "%lluB", (unsigned long long)kib * 1024);
	if (strlen(b) <= 4)
		return b;
	for (int i = 1; up[i]; i++) {
		double v = bytes / pow(base, i);
		snprintf(b, 24, "%.1f%c%s", v, up[i], tail);
		if (strlen(b) <= (si ? 4 : 5))
			return b;
		snprintf(b, 24, "%lu%c%s", (unsigned long)v, up[i], tail);
		if (strlen(b) <= (si ? 4 : 5))
			return b;
	}
	return b;
}

static void show(bool wide, bool lohi, bool total, bool committed) {
	meminfo = slurp("/proc/meminfo", NULL);
	if (!meminfo)
		die_errno(1, "Unable to create meminfo structure");
	uint64_t all = field("MemTotal"), unused = field("MemFree"), buffers = field("Buffers"), avail = field("MemAvailable");
	uint64_t cache = field("Cached") + field("SReclaimable"), swap = field("SwapTotal"), swap_free = field("SwapFree");
	if (avail > all)
		avail = unused;
	uint64_t used = all > avail ? all - avail : 0;
	if (wide)
		puts("               total        used        free      shared     buffers       cache   available");
	else
		puts("               total        used        free      shared  buff/cache   available");
	printf("%-9s%11s %11s %11s %11s ", "Mem:", scaled(all), scaled(used), scaled(unused), scaled(field("Shmem")));
	if (wide)
		printf("%11s %11s", scaled(buffers), scaled(cache));
	else
		printf("%11s", scaled(buffers + cache));
	printf(" %11s\n", scaled(avail));
	if (lohi) {
		uint64_t low = field("LowTotal"), low_free = field("LowFree"), high = field("HighTotal"), high_free = field("HighFree");
		if (!low)
			low = all, low_free = unused;
		printf("%-9s%11s %11s %11s\n", "Low:", scaled(low), scaled(low - low_free), scaled(low_free));
		printf("%-9s%11s %11s %11s\n", "High:", scaled(high), scaled(high - high_free), scaled(high_free));
	}
	printf("%-9s%11s %11s %11s\n", "Swap:", scaled(swap), scaled(swap - swap_free), scaled(swap_free));
	if (total)
		printf("%-9s%11s %11s %11s\n", "Total:", scaled(all + swap), scaled(used + swap - swap_free), scaled(unused + swap_free));
	if (committed) {
		uint64_t limit = field("CommitLimit"), as = field("Committed_AS");
		printf("%-9s%11s %11s %11s\n", "Comm:", scaled(limit), scaled(as), scaled(limit > as ? limit - as : 0));
	}
	free(meminfo);
}

int free_main(int argc, char **argv) {
	static const struct lopt longs[] = {{"bytes", 0, 'b'}, {"kibi", 0, 'k'}, {"mebi", 0, 'm'}, {"gibi", 0, 'g'}, {"tebi", 0, 4},
	    {"pebi", 0, 5}, {"kilo", 0, 11}, {"mega", 0, 12}, {"giga", 0, 13}, {"tera", 0, 14}, {"peta", 0, 15}, {"human", 0, 'h'},
	    {"si", 0, 20}, {"lohi", 0, 'l'}, {"total", 0, 't'}, {"committed", 0, 'v'}, {"seconds", 1, 's'}, {"count", 1, 'c'},
	    {"wide", 0, 'w'}, {0, 0, 0}};
	bool wide = false, lohi = false, total = false, committed = false;
	double seconds = 0;
	long count = 0;
	int c;
	char *end;
	while ((c = opt_next(argc, argv, "bkmghltvs:c:w", longs)) != -1) {
		switch (c) {
		case 'b': shift = 0; break;
		case 'k': shift = 1; break;
		case 'm': shift = 2; break;
		case 'g': shift = 3; break;
		case 4: case 5: shift = c; break;
		case 11: case 12: case 13: case 14: case 15: shift = c - 10, si = true; break;
		case 'h': human_units = true; break;
		case 20: si = true; break;
		case 'l': lohi = true; break;
		case 't': total = true; break;
		case 'v': committed = true; break;
		case 'w': wide = true; break;
		case 's':
			seconds = strtod(opt_arg, &end);
			if (end == opt_arg || *end || !(seconds >= 0.001))
				die(1, "seconds argument failed: '%s': %s", opt_arg, errtext(EINVAL));
			break;
		case 'c':
			count = strtol(opt_arg, &end, 10);
			if (end == opt_arg || *end || count < 1)
				die(1, "failed to parse count argument: '%s'", opt_arg);
			break;
		}
	}
	if (opt_ind < argc)
		extra_operand(1, argv[opt_ind]);
	if (count && !seconds)
		seconds = 1;
	for (long i = 0;; i++) {
		show(wide, lohi, total, committed);
		if (!seconds || (count && i + 1 >= count))
			return 0;
		putchar('\n');
		fflush(stdout);
		if (ferror(stdout))
			return 1;
		struct timespec t = {(time_t)seconds, (long)((seconds - floor(seconds)) * 1e9)};
		nanosleep(&t, NULL);
	}
}

static void unit(uint64_t n, const char *name, bool *any) {
	if (!n)
		return;
	printf("%s%llu %s%s", *any ? ", " : "", (unsigned long long)n, name, n == 1 ? "" : "s");
	*any = true;
}

static void pretty(uint64_t s) {
	bool any = false;
	printf("up ");
	unit(s / 31536000, "year", &any);
	s %= 31536000;
	unit(s / 604800, "week", &any);
	unit(s / 86400 % 7, "day", &any);
	unit(s / 3600 % 24, "hour", &any);
	uint64_t m = s / 60 % 60;
	if (m || !any)
		printf("%s%llu minute%s", any ? ", " : "", (unsigned long long)m, m == 1 ? "" : "s");
	putchar('\n');
}

int uptime_main(int argc, char **argv) {
	static const struct lopt longs[] = {{"pretty", 0, 'p'}, {"since", 0, 's'}, {0, 0, 0}};
	int c, what = 0;
	while ((c = opt_next(argc, argv, "ps", longs)) != -1)
		what = c;
	if (opt_ind < argc)
		extra_operand(1, argv[opt_ind]);
	char *text = slurp("/proc/uptime", NULL), *load = slurp("/proc/loadavg", NULL);
	if (!text || !load)
		die_errno(1, "Cannot get system uptime");
	uint64_t up = strtoull(text, NULL, 10);
	int64_t t;
	uint32_t ns;
	struct when w;
	now(&t, &ns);
	if (what == 'p') {
		pretty(up);
		return 0;
	}
	if (what == 's') {
		local_time((int64_t)((double)t + ns / 1e9 - strtod(text, NULL) + 0.5), 0, &w);
		puts(time_format("%Y-%m-%d %H:%M:%S", &w));
		return 0;
	}
	local_time(t, ns, &w);
	uint64_t days = up / 86400, hours = up / 3600 % 24, minutes = up / 60 % 60;
	printf(" %s up ", time_format("%H:%M:%S", &w));
	if (days)
		printf("%llu day%s, ", (unsigned long long)days, days == 1 ? "" : "s");
	if (hours)
		printf("%2llu:%02llu, ", (unsigned long long)hours, (unsigned long long)minutes);
	else
		printf("%llu min, ", (unsigned long long)minutes);
	double a = 0, b = 0, d = 0;
	sscanf(load, "%lf %lf %lf", &a, &b, &d);
	printf(" 0 user,  load average: %.2f, %.2f, %.2f\n", a, b, d); /* nobody logs in here: there is no utmp */
	return 0;
}
