/* diff: options. */
#include "diff.h"

const char diff_help[] = " [OPTION]... FILES\nCompare FILES line by line.\n\n"
    "      --normal                  output a normal diff (the default)\n  -q, --brief                   report only when files differ\n"
    "  -s, --report-identical-files  report when two files are the same\n  -c, -C NUM, --context[=NUM]   output NUM (default 3) lines of copied context\n"
    "  -u, -U NUM, --unified[=NUM]   output NUM (default 3) lines of unified context\n  -p, --show-c-function  -F, --show-function-line=RE\n"
    "      --label LABEL  -T, --initial-tab  --suppress-blank-empty\n"
    "  -r, --recursive  --no-dereference  -N, --new-file  --unidirectional-new-file  --ignore-file-name-case\n"
    "  -x, --exclude=PAT  -X, --exclude-from=FILE\n"
    "  -i, --ignore-case  -E, --ignore-tab-expansion  -Z, --ignore-trailing-space  -b, --ignore-space-change  -w, --ignore-all-space\n"
    "  -B, --ignore-blank-lines  -I, --ignore-matching-lines=RE  -a, --text  --strip-trailing-cr  -d, --minimal\n\n"
    "Exit status is 0 if inputs are the same, 1 if different, 2 if trouble.\n";

struct diff_options dopt = {.switches = ""};

enum { O_LABEL = 256, O_NORMAL, O_STRIP_CR, O_COLOR, O_PALETTE, O_NO_DEREF, O_SUPPRESS, O_NAMES, O_NO_NAMES, O_IGNORE, O_UNSUPPORTED };

static const struct lopt longs[] = {{"normal", 0, O_NORMAL}, {"brief", 0, 'q'}, {"report-identical-files", 0, 's'}, {"context", 2, 'C'},
    {"unified", 2, 'U'}, {"show-c-function", 0, 'p'}, {"show-function-line", 1, 'F'}, {"label", 1, O_LABEL}, {"initial-tab", 0, 'T'},
    {"suppress-blank-empty", 0, O_SUPPRESS}, {"recursive", 0, 'r'}, {"no-dereference", 0, O_NO_DEREF}, {"new-file", 0, 'N'},
    {"unidirectional-new-file", 0, 'P'}, {"ignore-file-name-case", 0, O_NAMES}, {"no-ignore-file-name-case", 0, O_NO_NAMES},
    {"exclude", 1, 'x'}, {"exclude-from", 1, 'X'}, {"ignore-case", 0, 'i'}, {"ignore-tab-expansion", 0, 'E'},
    {"ignore-trailing-space", 0, 'Z'}, {"ignore-space-change", 0, 'b'}, {"ignore-all-space", 0, 'w'}, {"ignore-blank-lines", 0, 'B'},
    {"ignore-matching-lines", 1, 'I'}, {"text", 0, 'a'}, {"strip-trailing-cr", 0, O_STRIP_CR}, {"minimal", 0, 'd'},
    {"speed-large-files", 0, 'H'}, {"horizon-lines", 1, O_IGNORE}, {"color", 2, O_COLOR}, {"palette", 1, O_PALETTE},
    {"side-by-side", 0, 'y'}, {"ed", 0, 'e'}, {"forward-ed", 0, 'f'}, {"rcs", 0, 'n'}, {"ifdef", 1, 'D'}, {"paginate", 0, 'l'},
    {"expand-tabs", 0, 't'}, {"starting-file", 1, 'S'}, {"from-file", 1, O_UNSUPPORTED}, {"to-file", 1, O_UNSUPPORTED}, {0, 0, 0}};

static re *regex(const char *s) {
	const char *err = NULL;
	re *r = re_compile(s, strlen(s), 0, &err);
	if (!r)
		die(2, "%s: %s", s, err);
	return r;
}

static void style(enum style s) {
	if (dopt.style && dopt.style != s) {
		warn("conflicting output style options");
		usage(2);
	}
	dopt.style = s;
}

static void context(const char *arg) {
	char *end;
	if (!arg) {
		if (dopt.context < 3)
			dopt.context = 3;
		return;
	}
	long n = strtol(arg, &end, 10);
	if (!*arg || *end || n < 0) {
		warn("invalid context length '%s'", arg);
		usage(2);
	}
	if (n > INT32_MAX / 4)
		n = INT32_MAX / 4;
	if (dopt.context < n)
		dopt.context = n;
}

/* Each pattern of -I joins the ones before it. */
static void ignore_matching(const char *pattern) {
	static char *all;
	char *joined = all ? xasprintf("%s\\|%s", all, pattern) : xstrdup(pattern);
	free(all);
	all = joined;
	re_free(dopt.ignore);
	dopt.ignore = regex(all);
}

static void label(const char *s) {
	if (dopt.labels[1])
		die(2, "too many file label options");
	dopt.labels[dopt.labels[0] != NULL] = s;
}

static void color(const char *s) {
	static const char *const words[] = {"never", "auto", "always", "no", "none", "if-tty", "tty", "yes", "force", NULL};
	for (size_t i = 0; s && words[i]; i++)
		if (strcmp(s, words[i]) == 0)
			return;
	if (s) {
		warn("invalid color '%s'", s);
		usage(2);
	}
}

static void space(enum space s) {
	if (dopt.space < s)
		dopt.space = s;
}

static void option(int c) {
	static long digits = -1;
	switch (c) {
	case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9':
		digits = (digits < 0 ? 0 : digits < 100000000 ? digits * 10 : digits) + c - '0';
		dopt.context = digits;
		break;
	case 'a': dopt.text = true; break;
	case 'b': space(SP_CHANGE); break;
	case 'B': dopt.blank_lines = true; break;
	case 'c': case 'C': style(S_CONTEXT); context(c == 'C' ? opt_arg : NULL); break;
	case 'u': case 'U': style(S_UNIFIED); context(c == 'U' ? opt_arg : NULL); break;
	case O_NORMAL: style(S_NORMAL); break;
	case 'd': dopt.minimal = true; break;
	case 'E': dopt.tabs = true; break;
	case 'F': dopt.function = regex(opt_arg); break;
	case 'p': dopt.function = regex("^[[:alpha:]$_]"); break;
	case 'i': dopt.ignore_case = true; break;
	case 'I': ignore_matching(opt_arg); break;
	case 'L': case O_LABEL: label(opt_arg); break;
	case 'N': dopt.new_file = true; break;
	case 'P': dopt.old_new_file = true; break;
	case 'q': dopt.brief = true; break;
	case 'r': dopt.recursive = true; break;
	case 's': dopt.identical = true; break;
	case 'T': dopt.initial_tab = true; break;
	case 'w': space(SP_ALL); break;
	case 'x': diff_exclude(opt_arg); break;
	case 'X': diff_exclude_from(opt_arg); break;
	case 'Z': space(SP_TRAILING); break;
	case O_STRIP_CR: dopt.strip_cr = true; break;
	case O_NO_DEREF: dopt.no_deref = true; break;
	case O_SUPPRESS: dopt.suppress_blank = true; break;
	case O_NAMES: dopt.case_names = true; break;
	case O_NO_NAMES: dopt.case_names = false; break;
	case O_COLOR: color(opt_arg); break;
	case 'D': case 'e': case 'f': case 'l': case 'n': case 'S': case 't': case 'W': case 'y': case O_UNSUPPORTED:
		if (opt_long)
			die(2, "option '--%s' is not supported", opt_long);
		die(2, "option '-%c' is not supported", c);
	}
}

/* The options as given, in front of the names: before operands are moved behind them they cannot be told apart. */
static void note_switches(int n, char **argv) {
	for (int i = 1; i < n; i++) {
		char *s = xasprintf("%s %s", dopt.switches, quotef(argv[i]));
		dopt.switches = s;
	}
}

int diff_main(int argc, char **argv) {
	int c;
	opt_status = exit_failure = 2;
	usage_text = xasprintf("%s: Try '%s --help' for more information.\n", prog, prog);
	while ((c = opt_next(argc, argv, "0123456789abBcC:dD:eEfF:HiI:lL:nNpPqrsS:tTuU:wW:x:X:yZ", longs)) != -1)
		option(c);
	note_switches(opt_ind, argv);
	if (!dopt.style && dopt.function) {
		dopt.style = S_CONTEXT;
		context(NULL);
	}
	if (!dopt.style)
		dopt.style = S_NORMAL, dopt.context = 0;
	if (argc - opt_ind < 2) {
		warn("missing operand after %s", quote(argv[argc - 1]));
		usage(2);
	}
	if (argc - opt_ind > 2)
		extra_operand(2, argv[opt_ind + 2]);
	if (strcmp(argv[opt_ind], "-") == 0 && strcmp(argv[opt_ind + 1], "-") == 0)
		return 0;
	return diff_names(argv[opt_ind], argv[opt_ind + 1], true);
}
