/* The multi-call main: picks the tool by the name it was called with. */
#include "tool.h"

static const struct applet *current;
const char *prog = "sbx";
int exit_failure = 1;

const char *applet_help(void) { return current ? current->help : ""; }
const char *applet_name(void) { return current ? current->name : "sbx"; }

static void close_stdout(void) {
	if (ferror(stdout) | (fflush(stdout) != 0)) {
		if (errno != EPIPE || exit_failure != 1)
			warn_errno("write error");
		else
			warn("write error: %s", errtext(EPIPE));
		_exit(exit_failure);
	}
}

static const struct applet *find(const char *arg) {
	const char *name = base_of(arg);
	if (*name == '-')
		name++;
	for (const struct applet *a = applets; a->name; a++)
		if (strcmp(a->name, name) == 0)
			return a;
	return NULL;
}

int main(int argc, char **argv) {
	static char out[32768];
	if (argc < 1)
		return 127;
	prog = argv[0];
	current = find(argv[0]);
	if (!current && argc > 1 && (current = find(argv[1])))
		prog = (++argv, argc--, argv[0]);
	if (!current) {
		fprintf(stderr, "%s: no such tool in this module\n", prog);
		return 127;
	}
#ifdef __wasm__
	char cwd[4097];
	if (sbx_getcwd(cwd, sizeof cwd))
		chdir(cwd);
#endif
	if (!isatty(1))
		setvbuf(stdout, out, _IOFBF, sizeof out);
	atexit(close_stdout);
	return current->run(argc, argv);
}
