/* kill */
#include "tool.h"

const char kill_help[] = " [options] <pid> [...]\nSend a signal to processes, or to process group N as -N.\n\n"
    "  -<signal>, -s, --signal <signal>  the signal to send: a name or a number; default TERM\n"
    "  -n <number>                       the same, by number\n"
    "  -l, --list[=<signal>]             list signal names, or convert one\n"
    "  -L, --table                       list signal names and numbers in a table\n";

static void kill_usage(int status) {
	FILE *to = status ? stderr : stdout;
	fprintf(to, "\nUsage:\n kill%s", kill_help);
	exit(status);
}

/* One signal: a number becomes a name, a name a number. */
static int convert(const char *what) {
	char *end;
	long n = strtol(what, &end, 10);
	if (end != what && !*end) {
		const char *name = n > 0 && n < 256 ? sig_name((int)n & 0x7f) : NULL; /* a wait status is taken too */
		if (name && n & 0x7f) {
			puts(name);
			return 0;
		}
	} else if (sig_number(what) > 0) {
		printf("%d\n", sig_number(what));
		return 0;
	}
	warn("unknown signal name %s", what);
	return 1;
}

static void list(void) {
	for (int s = 1; s < 32; s++)
		printf("%s%c", sig_name(s), s == 16 || s == 31 ? '\n' : ' ');
}

static void table(void) {
	for (int s = 1; s < 32; s++) {
		printf("%2d %s", s, sig_name(s));
		if (s % 7 == 0)
			putchar('\n');
		else
			printf("%*s", 8 - (int)strlen(sig_name(s)), "");
	}
	putchar('\n');
}

static int signal_of(const char *name) {
	int s = sig_number(name);
	if (s < 0) {
		warn("unknown signal name %s", name);
		kill_usage(1);
	}
	return s;
}

int kill_main(int argc, char **argv) {
	int sig = 15, rc = 0, i = 1;
	if (argc < 2)
		kill_usage(1);
	for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
		const char *a = argv[i], *v = NULL;
		if (strcmp(a, "--") == 0) {
			i++;
			break;
		}
		if (strcmp(a, "--help") == 0 || strcmp(a, "-h") == 0)
			kill_usage(0);
		if (strcmp(a, "--version") == 0 || strcmp(a, "-V") == 0)
			return puts("kill (sbx tools) 1.0"), 0;
		if (strcmp(a, "-L") == 0 || strcmp(a, "--table") == 0)
			return table(), 0;
		if (strncmp(a, "--list=", 7) == 0)
			return convert(a + 7);
		if (strcmp(a, "-l") == 0 || strcmp(a, "--list") == 0) {
			if (i + 1 < argc)
				return convert(argv[i + 1]);
			return list(), 0;
		}
		if (strncmp(a, "--signal=", 9) == 0)
			v = a + 9;
		else if (strcmp(a, "-s") == 0 || strcmp(a, "-n") == 0 || strcmp(a, "--signal") == 0) {
			if (++i >= argc)
				kill_usage(1);
			v = argv[i];
		} else
			v = a + 1;
		sig = signal_of(v);
		if (v == a + 1) { /* -SIGNAL: what follows is pids, even with a minus */
			i++;
			if (i < argc && strcmp(argv[i], "--") == 0)
				i++;
			break;
		}
	}
	if (i >= argc)
		kill_usage(1);
	for (; i < argc; i++) {
		char *end;
		errno = 0;
		long pid = strtol(argv[i], &end, 10);
		if (end == argv[i] || *end || errno || pid > INT32_MAX || pid < INT32_MIN + 1) {
			die(1, "failed to parse argument: '%s'", argv[i]);
		} else if (sbx_kill((int)pid, sig)) {
			warn_errno("(%ld)", pid);
			rc = 1;
		}
	}
	return rc;
}
