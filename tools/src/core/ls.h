/* What ls.c and ls_show.c share. */
#ifndef LS_H
#define LS_H

#include "tool.h"

#include <dirent.h>
#include <fnmatch.h>

enum { F_DEFAULT, F_LONG, F_ONE, F_COLUMNS, F_ACROSS, F_COMMAS };
enum { I_NONE, I_SLASH, I_TYPE, I_ALL };
enum { D_NEVER, D_DIRS, D_ARGS, D_ALL, D_UNSET = -1 };
enum { Q_LITERAL, Q_SHELL, Q_SHELL_ALWAYS, Q_SHELL_ESCAPE, Q_SHELL_ESCAPE_ALWAYS, Q_C, Q_ESCAPE, Q_LOCALE, Q_CLOCALE };

struct ls_options {
	int all; /* 1: not . and ..; 2: these too */
	int format, indicator, deref, quoting, width, human;
	bool width_set, author, owner, group, numeric, inode, size, itself, recursive, reverse, dirs_first, color, hide_control, context;
	char sort; /* n name, U none, t time, s size, x extension, v version, w width */
	char time; /* m, a, c, b */
	char end;
	uint64_t block, size_unit;
	const char *old_format, *recent_format;
	const char **ignore, **hide;
	size_t n_ignore, n_hide;
};
extern struct ls_options ls;

struct file {
	char *name, *path, *link;
	struct sbx_stat st;
	uint32_t target_mode; /* of a link; 0 when it dangles */
	bool known;           /* st is filled in */
};

struct list {
	struct file *f;
	size_t n, cap;
};

void ls_sort(struct list *l);
void ls_total(const struct list *l);
void ls_print(const struct list *l);
void ls_label(const char *path);
void ls_colors(void);

#endif
