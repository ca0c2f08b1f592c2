/* Files and directories of diff: what is compared with what. */
#include "diff.h"

#include <fnmatch.h>

static char **patterns;
static size_t n_patterns, cap_patterns;

void diff_exclude(const char *pattern) {
	patterns = grow(patterns, n_patterns, &cap_patterns, sizeof *patterns);
	patterns[n_patterns++] = xstrdup(pattern);
}

void diff_exclude_from(const char *file) {
	size_t n, len;
	int fd = open_input(file);
	char *text = fd < 0 ? NULL : read_all(fd, &n), *line;
	if (!text)
		die_errno(2, "%s", file);
	for (char *p = text; p < text + n; p += len + 1) {
		line = p;
		len = strcspn(p, "\n");
		line[len] = 0;
		if (*line)
			diff_exclude(line);
	}
	free(text);
}

static bool excluded(const char *name) {
	for (size_t i = 0; i < n_patterns; i++)
		if (fnmatch(patterns[i], name, 0) == 0)
			return true;
	return false;
}

static const char *kind(const struct sbx_stat *st) {
	switch (st->mode & S_IFMT) {
	case 0100000: return st->size ? "regular file" : "regular empty file";
	case 0040000: return "directory";
	case 0120000: return "symbolic link";
	case 0010000: return "fifo";
	case 0020000: return "character special file";
	case 0060000: return "block special file";
	case 0140000: return "socket";
	default: return "weird file";
	}
}

static int only(const char *dir, const char *name) {
	printf("Only in %s: %s\n", dir, name);
	return 1;
}

static bool is_stdin(const char *name) { return strcmp(name, "-") == 0; }

static int look(struct side *s) {
	return is_stdin(s->name) ? sbx_fstat(0, &s->st) : sbx_stat(s->name, dopt.no_deref ? SBX_NOFOLLOW : 0, &s->st);
}

static int read_side(struct side *s) {
	if (s->missing) {
		s->text = xstrdup("");
		return 0;
	}
	int fd = open_input(s->name);
	s->text = fd < 0 ? NULL : read_all(fd, &s->size);
	if (!s->text)
		warn_errno("%s", s->name);
	if (fd > 0)
		close(fd);
	return s->text ? 0 : 2;
}

static int alike(struct side s[2]) {
	if (dopt.identical)
		printf("Files %s and %s are identical\n", s[0].name, s[1].name);
	return 0;
}

static int compare_text(struct side s[2], bool top) {
	bool ignoring = dopt.ignore_case || dopt.tabs || dopt.space || dopt.blank_lines || dopt.ignore || dopt.strip_cr;
	if (read_side(&s[0]) | read_side(&s[1]))
		return 2;
	bool same = s[0].size == s[1].size && !memcmp(s[0].text, s[1].text, s[0].size);
	if (same)
		return alike(s);
	bool binary = diff_is_binary(&s[0]) || diff_is_binary(&s[1]);
	if ((dopt.brief && !ignoring) || binary) {
		printf(dopt.brief ? "Files %s and %s differ\n" : "Binary files %s and %s differ\n", s[0].name, s[1].name);
		return 1;
	}
	if (!diff_load(s))
		return alike(s);
	size_t n;
	diff_sequences(s);
	struct change *c = diff_changes(s, &n);
	char *command = top ? NULL : xasprintf("diff%s %s %s", dopt.switches, diff_quoted(s[0].name), diff_quoted(s[1].name));
	int rc = diff_print(s, c, n, command);
	if (rc && dopt.brief)
		printf("Files %s and %s differ\n", s[0].name, s[1].name);
	free(command);
	free(c);
	return rc ? rc : alike(s);
}

static int links(struct side s[2]) {
	char *a = read_link(s[0].name), *b = read_link(s[1].name);
	int rc = 2;
	if (!a || !b)
		warn_errno("%s", a ? s[1].name : s[0].name);
	else if ((rc = strcmp(a, b) != 0))
		printf("Symbolic links %s and %s differ\n", s[0].name, s[1].name);
	free(a);
	free(b);
	return rc;
}

static int devices(struct side s[2]) {
	if (s[0].st.rdev == s[1].st.rdev)
		return 0;
	printf("%s files %s and %s differ\n", S_ISBLK(s[0].st.mode) ? "Block special" : "Character special", s[0].name, s[1].name);
	return 1;
}

int diff_names(char *a, char *b, bool top) {
	struct side s[2] = {{.name = a}, {.name = b}};
	int rc = 0, bad = 0;
	char *joined = NULL;
	for (int k = 0; k < 2; k++) {
		if (look(&s[k]) == 0)
			continue;
		bool may = dopt.new_file || (dopt.old_new_file && k == 0);
		if (errno == ENOENT && may && look(&s[!k]) == 0) {
			s[k].missing = true;
			s[k].st = (struct sbx_stat){.mode = s[!k].st.mode};
			continue;
		}
		warn_errno("%s", s[k].name);
		bad = 2;
	}
	if (bad)
		return 2;
	for (int k = 0; k < 2 && top; k++) {
		if (!S_ISDIR(s[k].st.mode) || S_ISDIR(s[!k].st.mode))
			continue;
		if (is_stdin(s[!k].name))
			die(2, "cannot compare '-' to a directory");
		char *base = base_name(s[!k].name);
		s[k].name = joined = path_join(s[k].name, base);
		free(base);
		if (look(&s[k])) {
			if (errno == ENOENT && (dopt.new_file || (dopt.old_new_file && k == 0))) {
				s[k].missing = true;
				s[k].st = (struct sbx_stat){.mode = s[!k].st.mode};
			} else {
				warn_errno("%s", s[k].name);
				free(joined);
				return 2;
			}
		}
		break;
	}
	uint32_t type[2] = {s[0].st.mode & S_IFMT, s[1].st.mode & S_IFMT};
	bool same_file = !s[0].missing && !s[1].missing && s[0].st.dev == s[1].st.dev && s[0].st.ino == s[1].st.ino;
	bool odd = !S_ISDIR(type[0]) && !S_ISREG(type[0]) && !S_ISLNK(type[0]);
	if (!top && (s[0].missing || s[1].missing) && odd) {
		const char *there = s[s[0].missing].name;
		char *dir = dir_name(there), *base = base_name(there);
		rc = only(dir, base);
		free(dir);
		free(base);
	} else if (S_ISDIR(type[0]) && S_ISDIR(type[1])) {
		if (same_file)
			rc = 0;
		else if (!top && !dopt.recursive)
			printf("Common subdirectories: %s and %s\n", s[0].name, s[1].name);
		else
			rc = diff_dirs(s[0].name, s[1].name, !s[0].missing, !s[1].missing);
	} else if (!top && (type[0] != type[1] || (!S_ISREG(type[0]) && !S_ISLNK(type[0]) && !S_ISCHR(type[0]) && !S_ISBLK(type[0])))) {
		if (same_file && type[0] == type[1])
			rc = 0;
		else
			printf("File %s is a %s while file %s is a %s\n", s[0].name, kind(&s[0].st), s[1].name, kind(&s[1].st)), rc = 1;
	} else if (S_ISLNK(type[0]) != S_ISLNK(type[1]) || S_ISDIR(type[0]) != S_ISDIR(type[1])) {
		printf("File %s is a %s while file %s is a %s\n", s[0].name, kind(&s[0].st), s[1].name, kind(&s[1].st));
		rc = 1;
	} else if (S_ISLNK(type[0])) {
		rc = links(s);
	} else if (same_file) {
		rc = alike(s);
	} else if (!top && (S_ISCHR(type[0]) || S_ISBLK(type[0]))) {
		rc = devices(s);
	} else if (dopt.brief && !dopt.identical && S_ISREG(type[0]) && S_ISREG(type[1]) && s[0].st.size != s[1].st.size && !dopt.ignore_case &&
	    !dopt.tabs && !dopt.space && !dopt.blank_lines && !dopt.ignore && !dopt.strip_cr && !s[0].missing && !s[1].missing) {
		printf("Files %s and %s differ\n", s[0].name, s[1].name);
		rc = 1;
	} else {
		rc = compare_text(s, top);
	}
	diff_free(&s[0]);
	diff_free(&s[1]);
	free(joined);
	return rc;
}

static int order(const char *a, const char *b) {
	int c = dopt.case_names ? strcasecmp(a, b) : 0;
	return c ? c : strcmp(a, b);
}

static int by_name(const void *a, const void *b) { return order(((const struct ent *)a)->name, ((const struct ent *)b)->name); }

int diff_dirs(const char *a, const char *b, bool have_a, bool have_b) {
	const char *dir[2] = {a, b};
	bool have[2] = {have_a, have_b};
	struct ent *list[2] = {NULL, NULL};
	int n[2] = {0, 0}, at[2] = {0, 0}, rc = 0;
	static int depth;
	if (++depth > 200) {
		warn("%s: recursive directory loop", a);
		depth--;
		return 2;
	}
	for (int k = 0; k < 2; k++) {
		if (!have[k])
			continue;
		list[k] = dir_list(dir[k], &n[k]);
		if (n[k] < 0) {
			warn_errno("%s", dir[k]);
			n[k] = 0;
			rc = 2;
		}
		if (n[k] > 0 && dopt.case_names)
			qsort(list[k], (size_t)n[k], sizeof *list[k], by_name);
	}
	bool listed = rc == 0; /* trouble with one file does not end the walk */
	while (listed && (at[0] < n[0] || at[1] < n[1])) {
		int c = at[0] == n[0] ? 1 : at[1] == n[1] ? -1 : dopt.case_names ? strcasecmp(list[0][at[0]].name, list[1][at[1]].name) :
		    strcmp(list[0][at[0]].name, list[1][at[1]].name);
		int from = c > 0;
		const char *name = list[from][at[from]].name, *name2 = c == 0 ? list[1][at[1]].name : name;
		if (!excluded(name)) {
			bool create = c == 0 || dopt.new_file || (c > 0 && dopt.old_new_file);
			char *pa = path_join(a, name), *pb = path_join(b, name2);
			int one = create ? diff_names(pa, pb, false) : only(dir[from], name);
			rc = one > rc ? one : rc;
			free(pa);
			free(pb);
		}
		at[0] += c <= 0;
		at[1] += c >= 0;
	}
	for (int k = 0; k < 2; k++)
		if (list[k])
			dir_free(list[k], n[k]);
	depth--;
	return rc;
}
