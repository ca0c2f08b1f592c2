/* tty, which, clear */
#include "tool.h"

const char tty_help[] = " [OPTION]...\nPrint the file name of the terminal connected to standard input.\n\n  -s, --silent, --quiet  print nothing, only return an exit status\n";
const char which_help[] = " [-a] args\nLocate commands in PATH.\n\n  -a  print all matching pathnames of each argument\n";
const char clear_help[] = " [-x]\nClear the terminal screen.\n";

int tty_main(int argc, char **argv) {
	static const struct lopt longs[] = {{"silent", 0, 's'}, {"quiet", 0, 's'}, {0, 0, 0}};
	bool silent = false;
	opt_status = 2;
	while (opt_next(argc, argv, "s", longs) != -1)
		silent = true;
	if (opt_ind < argc)
		extra_operand(2, argv[opt_ind]);
	bool yes = isatty(0);
	if (!silent) {
		char *name = yes ? read_link("/proc/self/fd/0") : NULL;
		puts(name ? name : yes ? "/dev/console" : "not a tty");
	}
	return yes ? 0 : 1;
}

static bool runnable(const char *path) {
	struct sbx_stat st;
	return sbx_stat(path, 0, &st) == 0 && S_ISREG(st.mode) && sbx_access(path, 1) == 0;
}

static bool find(const char *name, bool all) {
	bool found = false;
	if (strchr(name, '/')) {
		if (runnable(name))
			puts(name), found = true;
		return found;
	}
	char *path = xstrdup(getenv("PATH") ? getenv("PATH") : "");
	for (char *dir = path, *next; dir && (all || !found); dir = next) {
		next = strchr(dir, ':');
		if (next)
			*next++ = 0;
		char *p = path_join(*dir ? dir : ".", name);
		if (runnable(p))
			puts(p), found = true;
		free(p);
	}
	free(path);
	return found;
}

int which_main(int argc, char **argv) {
	bool all = false;
	int rc = 0;
	opt_status = 2;
	while (opt_next(argc, argv, "+as", NULL) != -1)
		all = true;
	if (opt_ind >= argc)
		return 1;
	for (; opt_ind < argc; opt_ind++)
		rc |= !find(argv[opt_ind], all);
	return rc;
}

int clear_main(int argc, char **argv) {
	bool keep = false;
	while (opt_next(argc, argv, "x", NULL) != -1)
		keep = true;
	fputs(keep ? "\033[H\033[2J" : "\033[H\033[2J\033[3J", stdout);
	return 0;
}
