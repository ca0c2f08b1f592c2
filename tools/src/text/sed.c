// sed: options.
#include "sed.h"

const char sed_help[] =
	" [OPTION]... {script-only-if-no-other-script} [input-file]...\n\n"
	"  -n, --quiet, --silent      suppress automatic printing of pattern space\n"
	"  -e script, --expression=script   add the script to the commands\n"
	"  -f script-file, --file=script-file   add the contents of script-file\n"
	"  -E, -r, --regexp-extended  use extended regular expressions\n"
	"  -i[SUFFIX], --in-place[=SUFFIX]  edit files in place (makes backup if SUFFIX supplied)\n"
	"  -l N, --line-length=N      specify the desired line-wrap length for the `l' command\n"
	"  -s, --separate             consider files as separate\n"
	"  -u, --unbuffered           load minimal amounts of data and flush output often\n"
	"  -z, --null-data            separate lines by NUL characters\n\n"
	"If no -e or -f option is given, the first non-option argument is the script.\n"
	"All remaining arguments are names of input files; if no input files are\n"
	"specified, then the standard input is read.\n";

static void usage(void) {
	fprintf(stderr, "Usage: sed%s", sed_help);
	exit(1);
}

// sed_eval runs a command by the shell and returns what it wrote.
char *sed_eval(const char *cmd, size_t n, size_t *len) {
	char *line = tx_memdup(cmd ? cmd : "", n);
	char *argv[] = {"sh", "-c", line, NULL};
	int fds[2];
	buf out = {0};
	fflush(NULL);
	if (sbx_pipe(fds))
		tx_die(errno, "couldn't open pipe");
	int child[3] = {SBX_INHERIT, fds[1], SBX_INHERIT};
	int pid = sbx_spawn("sh", argv, NULL, child, 0);
	close(fds[1]);
	if (pid < 0) {
		fprintf(stderr, "sed: error subprocess: %s\n", tx_strerror(errno));
		exit(4);
	}
	tx_in in;
	tx_fdin(&in, fds[0]);
	tx_slurp(&in, &out);
	tx_close(&in);
	uint32_t st;
	sbx_wait(pid, 0, &st);
	free(line);
	*len = out.n;
	return buf_z(&out);
}

static void script_file(sed *s, const char *name) {
	buf b = {0};
	if (tx_read_all(name, &b)) {
		fprintf(stderr, "sed: couldn't open file %s: %s\n", name, tx_strerror(errno));
		exit(1);
	}
	if (b.n > 2 && b.p[0] == '#' && b.p[1] == 'n' && b.p[2] == '\n' && !s->n)
		s->quiet = 1;
	sed_chunk(s, b.p ? b.p : "", b.n, name);
}

int sed_main(int argc, char **argv) {
	static const tx_long longs[] = {{"quiet", 0, 'n'}, {"silent", 0, 'n'}, {"expression", 1, 'e'}, {"file", 1, 'f'}, {"in-place", 2, 'i'}, {"line-length", 1, 'l'},
		{"null-data", 0, 'z'}, {"zero-terminated", 0, 'z'}, {"regexp-extended", 0, 'E'}, {"separate", 0, 's'}, {"unbuffered", 0, 'u'}, {"posix", 0, 'p'},
		{"debug", 0, 'D'}, {"sandbox", 0, 'S'}, {"follow-symlinks", 0, 'L'}, {"binary", 0, 'b'}, {NULL, 0, 0}};
	tx_begin("sed", 1);
	sed s = {.wrap = 70};
	tx_opts o;
	int c, have = 0, dash = 0;
	uint64_t v;
	// regular expressions depend on -E and -z wherever they stand: scripts are compiled after all options
	struct {
		int file;
		char *p;
	} *src = tx_alloc((size_t)(argc + 1) * sizeof *src);
	tx_opt_start(&o, argc, argv, "bsnrzuEe:f:l:i::V:", longs);
	o.usage = usage;
	while ((c = tx_opt(&o)) != -1)
		switch (c) {
		case 'n': s.quiet = 1; break;
		case 'e': case 'f': src[have].file = c == 'f'; src[have++].p = o.arg; break;
		case 'E': case 'r': s.ere = 1; break;
		case 's': s.separate = 1; break;
		case 'z': s.nul = 1; break;
		case 'u': s.unbuffered = 1; break;
		case 'p': s.posix = 1; break;
		case 'l':
			if (tx_num(o.arg, &v))
				tx_die(0, "invalid line length: %s", o.arg);
			s.wrap = (int64_t)(v & INT32_MAX);
			break;
		case 'i':
			s.inplace = s.separate = 1;
			s.suffix = o.arg && *o.arg ? o.arg : NULL;
			break;
		}
	if (!have) {
		if (!o.nrest)
			usage();
		src[have++].p = o.rest[dash++];
	}
	for (int i = 0; i < have; i++)
		if (src[i].file)
			script_file(&s, src[i].p);
		else
			sed_chunk(&s, src[i].p, strlen(src[i].p), NULL);
	sed_finish(&s);
	static char *in[] = {"-", NULL};
	int st = o.nrest > dash ? sed_run(&s, o.rest + dash, o.nrest - dash) : sed_run(&s, in, 1);
	free(src);
	fflush(stdout);
	return tx_end(st);
}
