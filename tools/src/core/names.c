/* basename, dirname, pwd */
#include "tool.h"

const char basename_help[] = " NAME [SUFFIX]\n  or:  basename OPTION... NAME...\nPrint NAME with any leading directory components removed.\n\n"
    "  -a, --multiple       support multiple arguments and treat each as a NAME\n"
    "  -s, --suffix=SUFFIX  remove a trailing SUFFIX; implies -a\n  -z, --zero           end each output line with NUL, not newline\n";
const char dirname_help[] = " [OPTION] NAME...\nOutput each NAME with its last non-slash component and trailing slashes removed.\n\n"
    "  -z, --zero  end each output line with NUL, not newline\n";
const char pwd_help[] = " [OPTION]...\nPrint the full filename of the current working directory.\n\n"
    "  -L, --logical   use PWD from environment, even if it contains symlinks\n  -P, --physical  avoid all symlinks\n";

static void one_base(const char *name, const char *suffix, char end) {
	char *b = base_name(name);
	size_t n = strlen(b), k = suffix ? strlen(suffix) : 0;
	if (k && n > k && *b != '/' && memcmp(b + n - k, suffix, k) == 0)
		b[n - k] = 0;
	fputs(b, stdout);
	putchar(end);
	free(b);
}

int basename_main(int argc, char **argv) {
	static const struct lopt longs[] = {{"multiple", 0, 'a'}, {"suffix", 1, 's'}, {"zero", 0, 'z'}, {0, 0, 0}};
	bool multiple = false;
	const char *suffix = NULL;
	char end = '\n';
	int c;
	while ((c = opt_next(argc, argv, "+as:z", longs)) != -1) {
		multiple |= c == 'a' || c == 's';
		if (c == 's')
			suffix = opt_arg;
		if (c == 'z')
			end = 0;
	}
	if (opt_ind >= argc)
		missing_operand(1);
	if (!multiple) {
		if (opt_ind + 2 < argc)
			extra_operand(1, argv[opt_ind + 2]);
		one_base(argv[opt_ind], argv[opt_ind + 1], end);
		return 0;
	}
	for (; opt_ind < argc; opt_ind++)
		one_base(argv[opt_ind], suffix, end);
	return 0;
}

int dirname_main(int argc, char **argv) {
	static const struct lopt longs[] = {{"zero", 0, 'z'}, {0, 0, 0}};
	char end = '\n';
	while (opt_next(argc, argv, "z", longs) != -1)
		end = 0;
	if (opt_ind >= argc)
		missing_operand(1);
	for (; opt_ind < argc; opt_ind++) {
		char *d = dir_name(argv[opt_ind]);
		fputs(d, stdout);
		putchar(end);
		free(d);
	}
	return 0;
}

/* PWD, if it names the current directory without . and .. */
static const char *logical(void) {
	const char *pwd = getenv("PWD");
	struct sbx_stat a, b;
	if (!pwd || *pwd != '/' || strstr(pwd, "/./") || strstr(pwd, "/../"))
		return NULL;
	size_t n = strlen(pwd);
	if ((n > 1 && strcmp(pwd + n - 2, "/.") == 0) || (n > 2 && strcmp(pwd + n - 3, "/..") == 0))
		return NULL;
	return sbx_stat(pwd, 0, &a) == 0 && sbx_stat(".", 0, &b) == 0 && a.ino == b.ino && a.dev == b.dev ? pwd : NULL;
}

int pwd_main(int argc, char **argv) {
	static const struct lopt longs[] = {{"logical", 0, 'L'}, {"physical", 0, 'P'}, {0, 0, 0}};
	int c, how = 'P';
	char buf[4097];
	while ((c = opt_next(argc, argv, "LP", longs)) != -1)
		how = c;
	if (opt_ind < argc)
		warn("ignoring non-option arguments");
	const char *name = how == 'L' ? logical() : NULL;
	if (!name && !(name = sbx_getcwd(buf, sizeof buf)))
		die_errno(1, "error retrieving current directory");
	puts(name);
	return 0;
}
