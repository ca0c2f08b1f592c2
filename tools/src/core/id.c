/* id, whoami, groups, logname */
#include "tool.h"

const char id_help[] = " [OPTION]... [USER]...\nPrint user and group information for each specified USER,\n"
    "or (when USER omitted) for the current user.\n\n  -g, --group    print only the effective group ID\n"
    "  -G, --groups   print all group IDs\n  -n, --name     print a name instead of a number, for -ugG\n"
    "  -r, --real     print the real ID instead of the effective ID, with -ugG\n  -u, --user     print only the effective user ID\n"
    "  -z, --zero     delimit entries with NUL characters, not whitespace\n";
const char whoami_help[] = " [OPTION]...\nPrint the user name associated with the current effective user ID.\n";
const char groups_help[] = " [OPTION]... [USERNAME]...\nPrint group memberships for each USERNAME or, if no USERNAME is specified, for\nthe current process.\n";
const char logname_help[] = " [OPTION]\nPrint the user's login name.\n";

struct who {
	uint32_t uid, euid, gid, egid;
	uint32_t groups[256];
	int n;
};

static void put_gid(uint32_t *list, int *n, uint32_t gid) {
	for (int i = 0; i < *n; i++)
		if (list[i] == gid)
			return;
	if (*n < 256)
		list[(*n)++] = gid;
}

static void current(struct who *w) {
	struct sbx_ids ids;
	uint32_t more[256];
	if (sbx_ids(&ids))
		die_errno(1, "cannot find out who we are");
	*w = (struct who){.uid = ids.uid, .euid = ids.euid, .gid = ids.gid, .egid = ids.egid};
	int k = sbx_groups(more, 256);
	put_gid(w->groups, &w->n, w->gid);
	put_gid(w->groups, &w->n, w->egid);
	for (int i = 0; i < k; i++)
		put_gid(w->groups, &w->n, more[i]);
}

static bool named(const char *name, struct who *w) {
	uint32_t uid, gid;
	const char *s = name;
	if (!user_id(name, &uid, &gid)) {
		char *end;
		uid = (uint32_t)strtoul(*s == '+' ? s + 1 : s, &end, 10);
		s = *end || end == s ? NULL : user_name(uid);
		if (!s || !user_id(s, &uid, &gid))
			return false;
	}
	*w = (struct who){.uid = uid, .euid = uid, .gid = gid, .egid = gid};
	w->n = groups_of(s, gid, w->groups, 256);
	return true;
}

static int status;

static void show(uint32_t id, const char *name, bool names, const char *what) {
	if (names && !name) {
		warn("cannot find name for %s ID %u", what, id);
		status = 1;
	}
	if (names && name)
		fputs(name, stdout);
	else
		printf("%u", id);
}

static void labelled(const char *label, uint32_t id, const char *name) {
	printf("%s%u", label, id);
	if (name)
		printf("(%s)", name);
}

static void full(const struct who *w) {
	labelled("uid=", w->uid, user_name(w->uid));
	labelled(" gid=", w->gid, group_name(w->gid));
	if (w->euid != w->uid)
		labelled(" euid=", w->euid, user_name(w->euid));
	if (w->egid != w->gid)
		labelled(" egid=", w->egid, group_name(w->egid));
	for (int i = 0; i < w->n; i++)
		labelled(i ? "," : " groups=", w->groups[i], group_name(w->groups[i]));
}

struct options {
	int what; /* 'u', 'g', 'G' or 0 */
	bool name, real, zero;
};

static void print(const struct who *w, const struct options *o, bool many) {
	if (o->what == 'u') {
		uint32_t id = o->real ? w->uid : w->euid;
		show(id, user_name(id), o->name, "user");
	} else if (o->what == 'g') {
		uint32_t id = o->real ? w->gid : w->egid;
		show(id, group_name(id), o->name, "group");
	} else if (o->what == 'G') {
		for (int i = 0; i < w->n; i++) {
			if (i)
				putchar(o->zero ? 0 : ' ');
			show(w->groups[i], group_name(w->groups[i]), o->name, "group");
		}
	} else {
		full(w);
	}
	putchar(o->zero ? 0 : '\n');
	if (o->zero && many && o->what == 'G')
		putchar(0);
}

int id_main(int argc, char **argv) {
	static const struct lopt longs[] = {{"context", 0, 'Z'}, {"group", 0, 'g'}, {"groups", 0, 'G'}, {"name", 0, 'n'},
	    {"real", 0, 'r'}, {"user", 0, 'u'}, {"zero", 0, 'z'}, {0, 0, 0}};
	struct options o = {0};
	struct who w;
	int c;
	while ((c = opt_next(argc, argv, "agnruzGZ", longs)) != -1) {
		switch (c) {
		case 'u': case 'g': case 'G':
			if (o.what && o.what != c)
				die(1, "cannot print \"only\" of more than one choice");
			o.what = c;
			break;
		case 'n': o.name = true; break;
		case 'r': o.real = true; break;
		case 'z': o.zero = true; break;
		case 'Z': die(1, "--context (-Z) works only on an SELinux-enabled kernel");
		}
	}
	if ((o.name || o.real) && !o.what)
		die(1, "cannot print only names or real IDs in default format");
	if (o.zero && !o.what)
		die(1, "option --zero not permitted in default format");
	if (opt_ind >= argc) {
		current(&w);
		print(&w, &o, false);
		return status;
	}
	bool many = argc - opt_ind > 1;
	for (; opt_ind < argc; opt_ind++) {
		if (named(argv[opt_ind], &w)) {
			print(&w, &o, many);
		} else {
			warn("%s: no such user", quote(argv[opt_ind]));
			status = 1;
		}
	}
	return status;
}

int whoami_main(int argc, char **argv) {
	struct who w;
	opt_next(argc, argv, "", NULL);
	if (opt_ind < argc)
		extra_operand(1, argv[opt_ind]);
	current(&w);
	const char *name = user_name(w.euid);
	if (!name)
		die(1, "cannot find name for user ID %u: %s", w.euid, errtext(ENOENT));
	puts(name);
	return 0;
}

static void names_of(const struct who *w) {
	for (int i = 0; i < w->n; i++) {
		if (i)
			putchar(' ');
		show(w->groups[i], group_name(w->groups[i]), true, "group");
	}
	putchar('\n');
}

int groups_main(int argc, char **argv) {
	struct who w;
	opt_next(argc, argv, "", NULL);
	if (opt_ind >= argc) {
		current(&w);
		names_of(&w);
	}
	for (; opt_ind < argc; opt_ind++) {
		if (named(argv[opt_ind], &w)) {
			printf("%s : ", argv[opt_ind]);
			names_of(&w);
		} else {
			warn("%s: no such user", quote(argv[opt_ind]));
			status = 1;
		}
	}
	return status;
}

int logname_main(int argc, char **argv) {
	opt_next(argc, argv, "", NULL);
	if (opt_ind < argc)
		extra_operand(1, argv[opt_ind]);
	const char *name = getenv("LOGNAME");
	if (!name)
		die(1, "no login name");
	puts(name);
	return 0;
}
