/* diff.h: what the parts of diff share. */
#ifndef DIFF_H
#define DIFF_H

#include "../text/re.h"
#include "tool.h"

enum style { S_NONE, S_NORMAL, S_UNIFIED, S_CONTEXT };
enum space { SP_KEEP, SP_TRAILING, SP_CHANGE, SP_ALL };

struct diff_options {
	enum style style;
	enum space space;
	long context;
	bool text, brief, identical, recursive, new_file, old_new_file, ignore_case, tabs, blank_lines, strip_cr, minimal, initial_tab;
	bool no_deref, suppress_blank, case_names;
	re *ignore, *function;
	const char *labels[2];
	char *switches; /* as given, for the line in front of each file of a directory */
};
extern struct diff_options dopt;

struct line {
	const char *p;
	size_t n; /* without its newline */
};

struct side {
	const char *name; /* as printed */
	struct sbx_stat st;
	bool missing; /* -N: stands for an empty file */
	char *text;
	size_t size;
	bool no_newline; /* at the end of the last line */
	struct line *lines;
	long n, prefix;  /* all lines; identical ones in front that were not compared */
	long body;       /* lines compared */
	long *class;     /* of each line compared: equal lines have equal classes */
	uint8_t *room, *changed; /* of each line compared, with an unchanged one on either side */
};

struct change {
	long line[2], n[2]; /* first line and how many, of either side */
	bool ignore;
};

bool diff_load(struct side s[2]);          /* diff_read.c: lines and classes; false: nothing to compare (they are the same) */
bool diff_is_binary(const struct side *s);
void diff_free(struct side *s);
void diff_sequences(struct side s[2]);     /* diff_seq.c: fills changed */
struct change *diff_changes(struct side s[2], size_t *n);
int diff_print(struct side s[2], struct change *c, size_t n, const char *command); /* diff_out.c: 1 if something differs */
const char *diff_quoted(const char *name); /* as a header has it */
int diff_names(char *a, char *b, bool top); /* diff_dir.c: files or directories; 0, 1, 2 */
int diff_dirs(const char *a, const char *b, bool have_a, bool have_b);
void diff_exclude(const char *pattern);
void diff_exclude_from(const char *file);

#endif
