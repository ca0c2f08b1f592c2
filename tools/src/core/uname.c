/* uname, arch, hostname, nproc */
#include "tool.h"

const char uname_help[] = " [OPTION]...\nPrint certain system information.  With no OPTION, same as -s.\n\n"
    "  -a, --all                print all information, except omit -p and -i if unknown\n"
    "  -s, --kernel-name        -n, --nodename           -r, --kernel-release\n"
    "  -v, --kernel-version     -m, --machine            -p, --processor\n"
    "  -i, --hardware-platform  -o, --operating-system\n";
const char arch_help[] = " [OPTION]...\nPrint machine architecture.\n";
const char hostname_help[] = " [-s|-f|-d|-i]\nShow the system's host name.\n";
const char nproc_help[] = " [OPTION]...\nPrint the number of processing units available to the current process.\n\n"
    "      --all       print the number of installed processors\n      --ignore=N  if possible, exclude N processing units\n";

static const struct lopt uname_longs[] = {{"all", 0, 'a'}, {"kernel-name", 0, 's'}, {"sysname", 0, 's'}, {"nodename", 0, 'n'},
    {"kernel-release", 0, 'r'}, {"release", 0, 'r'}, {"kernel-version", 0, 'v'}, {"machine", 0, 'm'}, {"processor", 0, 'p'},
    {"hardware-platform", 0, 'i'}, {"operating-system", 0, 'o'}, {0, 0, 0}};

static void get(struct sbx_utsname *u) {
	if (sbx_uname(u))
		die_errno(1, "cannot get system name");
}

int uname_main(int argc, char **argv) {
	static const char order[] = "snrvmpio";
	struct sbx_utsname u;
	unsigned want = 0;
	int c;
	while ((c = opt_next(argc, argv, "asnrvmpio", uname_longs)) != -1)
		want |= c == 'a' ? 0x100 | 0x9f : 1u << (strchr(order, c) - order);
	if (opt_ind < argc)
		extra_operand(1, argv[opt_ind]);
	if (!want)
		want = 1;
	get(&u);
	const char *text[] = {u.sysname, u.nodename, u.release, u.version, u.machine, "unknown", "unknown", "GNU/Linux"};
	bool first = true;
	for (unsigned i = 0; i < 8; i++) {
		if (!(want & 1u << i))
			continue;
		printf("%s%s", first ? "" : " ", text[i]);
		first = false;
	}
	putchar('\n');
	return 0;
}

int arch_main(int argc, char **argv) {
	struct sbx_utsname u;
	opt_next(argc, argv, "", NULL);
	if (opt_ind < argc)
		extra_operand(1, argv[opt_ind]);
	get(&u);
	puts(u.machine);
	return 0;
}

/* The first address of our name in /etc/hosts, or the name's alias with a dot in it. */
static char *from_hosts(const char *host, bool address) {
	char *text = slurp("/etc/hosts", NULL), *got = NULL;
	for (char *line = text ? strtok(text, "\n") : NULL; line && !got; line = strtok(NULL, "\n")) {
		char *words[16];
		int n = 0;
		line[strcspn(line, "#")] = 0;
		for (char *p = line; n < 16;) {
			p += strspn(p, " \t");
			if (!*p)
				break;
			words[n++] = p;
			p += strcspn(p, " \t");
			if (*p)
				*p++ = 0;
		}
		for (int i = 1; i < n && !got; i++)
			if (strcmp(words[i], host) == 0)
				got = xstrdup(address ? words[0] : words[1]);
	}
	free(text);
	return got;
}

int hostname_main(int argc, char **argv) {
	static const struct lopt longs[] = {{"short", 0, 's'}, {"fqdn", 0, 'f'}, {"long", 0, 'f'}, {"domain", 0, 'd'},
	    {"ip-address", 0, 'i'}, {"all-ip-addresses", 0, 'I'}, {0, 0, 0}};
	struct sbx_utsname u;
	int c, what = 0;
	while ((c = opt_next(argc, argv, "sfdiI", longs)) != -1)
		what = c;
	if (opt_ind < argc)
		die(1, "you must be root to change the host name");
	get(&u);
	char *full = what == 'f' || what == 'd' ? from_hosts(u.nodename, false) : NULL;
	const char *name = full ? full : u.nodename;
	if (what == 's')
		u.nodename[strcspn(u.nodename, ".")] = 0;
	if (what == 'd') {
		const char *dot = strchr(name, '.');
		puts(dot ? dot + 1 : "");
		return 0;
	}
	if (what == 'i' || what == 'I') {
		char *address = from_hosts(u.nodename, true);
		if (!address && what == 'i')
			die(1, "Name or service not known");
		puts(address ? address : "");
		return 0;
	}
	puts(name);
	return 0;
}

static unsigned processors(void) {
	struct sbx_ids ids;
	if (sbx_ids(&ids) == 0 && ids.nproc)
		return ids.nproc;
	unsigned n = 0;
	char *text = slurp("/proc/cpuinfo", NULL);
	for (char *p = text; p && *p; p++)
		if ((p == text || p[-1] == '\n') && strncmp(p, "processor", 9) == 0)
			n++;
	free(text);
	return n ? n : 1;
}

int nproc_main(int argc, char **argv) {
	static const struct lopt longs[] = {{"all", 0, 'a'}, {"ignore", 1, 'i'}, {0, 0, 0}};
	uint64_t ignore = 0;
	int c;
	while ((c = opt_next(argc, argv, "", longs)) != -1)
		if (c == 'i')
			ignore = need_size(opt_arg, "", "number to ignore");
	if (opt_ind < argc)
		extra_operand(1, argv[opt_ind]);
	uint64_t n = processors();
	printf("%u\n", (unsigned)(n > ignore ? n - ignore : 1));
	return 0;
}
