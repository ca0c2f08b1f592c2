/* true, false */
#include "tool.h"

const char true_help[] = " [ignored command line arguments]\nExit with a status code indicating success.\n";
const char false_help[] = " [ignored command line arguments]\nExit with a status code indicating failure.\n";

int true_main(int argc, char **argv) {
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "--version") == 0))
		opt_next(argc, argv, "", NULL);
	return 0;
}

int false_main(int argc, char **argv) {
	exit_failure = 1;
	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		fputs(false_help, stdout);
	return 1;
}
