/* Option parsing: getopt_long's rules with GNU's messages. */
#include "tool.h"

int opt_ind = 1, opt_status = 1;
char *opt_arg;
const char *opt_long;

static const char *cluster; /* rest of a group of short options */
static int first_operand = 1; /* operands skipped so far are argv[first_operand .. opt_ind) */

const char *applet_help(void);
const char *applet_name(void);

void opt_reset(void) {
	opt_ind = first_operand = 1;
	cluster = NULL;
}

static void version(void) {
	printf("%s (sbx tools) 1.0\n", applet_name());
	exit(0);
}

static void help(void) {
	const char *h = applet_help();
	printf("Usage: %s", applet_name());
	for (; *h; h++)
		putchar(*h);
	exit(0);
}

/* Moves the just parsed elements argv[from..opt_ind) in front of the operands before them. */
static void permute(char **argv, int from) {
	int n = opt_ind - from;
	if (first_operand == from) {
		first_operand = opt_ind;
		return;
	}
	for (int i = 0; i < n; i++) {
		char *a = argv[from + i];
		memmove(argv + first_operand + 1, argv + first_operand, sizeof *argv * (size_t)(from + i - first_operand));
		argv[first_operand++] = a;
	}
}

static int take_short(int argc, char **argv, const char *shorts) {
	char c = *cluster++;
	const char *s = c == ':' ? NULL : strchr(shorts, c);
	int from = opt_ind;
	opt_arg = NULL;
	opt_long = NULL;
	if (!s) {
		warn("invalid option -- '%c'", c);
		usage(opt_status);
	}
	if (s[1] == ':') {
		if (*cluster) {
			opt_arg = (char *)cluster;
		} else if (s[2] != ':') {
			if (opt_ind + 1 >= argc) {
				warn("option requires an argument -- '%c'", c);
				usage(opt_status);
			}
			opt_arg = argv[++opt_ind];
		}
		cluster = "";
	}
	if (!*cluster) {
		cluster = NULL;
		opt_ind++;
		permute(argv, from);
	}
	return (unsigned char)c;
}

static const struct lopt builtin[] = {{"help", 0, -2}, {"version", 0, -3}};

static const struct lopt *at(const struct lopt *longs, size_t *i) {
	size_t n = 0;
	while (longs && longs[n].name)
		n++;
	if (*i < n)
		return &longs[*i];
	return *i < n + 2 ? &builtin[*i - n] : NULL;
}

static const struct lopt *find(const char *name, size_t len, const struct lopt *longs) {
	const struct lopt *l, *got = NULL;
	bool ambiguous = false;
	for (size_t i = 0; (l = at(longs, &i)); i++) {
		if (strncmp(l->name, name, len))
			continue;
		if (strlen(l->name) == len)
			return l;
		if (got && (got->val != l->val || got->arg != l->arg))
			ambiguous = true;
		if (!got)
			got = l;
	}
	if (!ambiguous)
		return got;
	fflush(stdout);
	fprintf(stderr, "%s: option '--%s' is ambiguous; possibilities:", prog, name);
	for (size_t i = 0; (l = at(longs, &i)); i++)
		if (strncmp(l->name, name, len) == 0)
			fprintf(stderr, " '--%s'", l->name);
	fputc('\n', stderr);
	usage(opt_status);
}

static int take_long(int argc, char **argv, const struct lopt *longs) {
	const char *name = argv[opt_ind] + 2, *eq = strchrnul(name, '=');
	int from = opt_ind;
	const struct lopt *l = find(name, (size_t)(eq - name), longs);
	if (!l) {
		warn("unrecognized option '--%s'", name);
		usage(opt_status);
	}
	opt_arg = *eq ? (char *)eq + 1 : NULL;
	opt_long = l->name;
	if (opt_arg && l->arg == 0) {
		warn("option '--%s' doesn't allow an argument", l->name);
		usage(opt_status);
	}
	if (!opt_arg && l->arg == 1) {
		if (opt_ind + 1 >= argc) {
			warn("option '--%s' requires an argument", l->name);
			usage(opt_status);
		}
		opt_arg = argv[++opt_ind];
	}
	opt_ind++;
	permute(argv, from);
	if (l->val == -2)
		help();
	if (l->val == -3)
		version();
	return l->val;
}

int opt_next(int argc, char **argv, const char *shorts, const struct lopt *longs) {
	bool in_order = *shorts == '+';
	shorts += in_order;
	if (cluster)
		return take_short(argc, argv, shorts);
	for (; opt_ind < argc; opt_ind++) {
		char *a = argv[opt_ind];
		if (a[0] != '-' || !a[1]) {
			if (in_order)
				break;
			continue;
		}
		if (a[1] != '-') {
			cluster = a + 1;
			return take_short(argc, argv, shorts);
		}
		if (a[2])
			return take_long(argc, argv, longs);
		int from = opt_ind++;
		permute(argv, from);
		break;
	}
	opt_ind = first_operand = in_order ? opt_ind : first_operand;
	return -1;
}

int argmatch(const char *option, const char *word, const char *const *list) {
	int got = -1;
	bool ambiguous = false;
	for (int i = 0; list[i]; i++) {
		if (strcmp(list[i], word) == 0)
			return i;
		if (strncmp(list[i], word, strlen(word)) == 0) {
			ambiguous = ambiguous || got >= 0;
			got = i;
		}
	}
	if (got >= 0 && !ambiguous)
		return got;
	warn("%s argument %s for %s", ambiguous ? "ambiguous" : "invalid", quote(word), quote(option));
	fputs("Valid arguments are:\n", stderr);
	for (int i = 0; list[i]; i++)
		fprintf(stderr, "  - %s\n", quote(list[i]));
	usage(1);
}
