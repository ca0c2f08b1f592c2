/* stat */
#include "tool.h"

const char stat_help[] = " [OPTION]... FILE...\nDisplay file or file system status.\n\n  -L, --dereference  follow links\n"
    "  -f, --file-system  display file system status instead of file status\n  -c, --format=FORMAT  use the specified FORMAT instead of the default\n"
    "      --printf=FORMAT  like --format, but interpret backslash escapes, and do not output a mandatory trailing newline\n"
    "  -t, --terse  print the information in terse form\n";

static bool escapes;

static const char *kind(const struct sbx_stat *s) {
	if (S_ISREG(s->mode))
		return s->size ? "regular file" : "regular empty file";
	return S_ISDIR(s->mode) ? "directory" : S_ISLNK(s->mode) ? "symbolic link" : S_ISFIFO(s->mode) ? "fifo" :
	    S_ISSOCK(s->mode) ? "socket" : S_ISCHR(s->mode) ? "character special file" : S_ISBLK(s->mode) ? "block special file" : "weird file";
}

static const char *fs_name(uint64_t type) {
	static const struct { uint32_t magic; const char *name; } known[] = {{0xef53, "ext2/ext3"}, {0x01021994, "tmpfs"},
	    {0x794c7630, "overlayfs"}, {0x9fa0, "proc"}, {0x62656572, "sysfs"}, {0x1cd1, "devpts"}, {0x58465342, "xfs"},
	    {0x9123683e, "btrfs"}, {0x01021997, "v9fs"}, {0x6969, "nfs"}, {0x65735546, "fuseblk"}, {0x858458f6, "ramfs"}};
	static char buf[40];
	for (size_t i = 0; i < LEN(known); i++)
		if (known[i].magic == (uint32_t)type)
			return known[i].name;
	snprintf(buf, sizeof buf, "UNKNOWN (0x%llx)", (unsigned long long)type);
	return buf;
}

/* %FLAGS WIDTH .PREC as the user wrote them */
struct spec {
	char flags[8];
	int width, prec;
};

static void put_text(const struct spec *s, const char *t) {
	char f[32];
	bool left = strchr(s->flags, '-');
	snprintf(f, sizeof f, "%%%s*.*s", left ? "-" : "");
	printf(f, s->width < 0 ? 0 : s->width, s->prec < 0 ? (int)strlen(t) : s->prec, t);
}

static void put_number(const struct spec *s, uint64_t v, const char *conv) {
	char f[32];
	snprintf(f, sizeof f, "%%%s*%sll%s", s->flags, s->prec >= 0 ? ".*" : "", conv);
	if (s->prec >= 0)
		printf(f, s->width < 0 ? 0 : s->width, s->prec, (unsigned long long)v);
	else
		printf(f, s->width < 0 ? 0 : s->width, (unsigned long long)v);
}

static void put_human_time(const struct spec *s, int64_t t, uint32_t ns) {
	struct when w;
	local_time(t, ns, &w);
	char *text = time_format("%Y-%m-%d %H:%M:%S.%N %z", &w);
	put_text(s, text);
	free(text);
}

static void put_epoch(const struct spec *s, int64_t t, uint32_t ns) {
	char buf[48];
	if (s->prec < 0) {
		snprintf(buf, sizeof buf, "%lld", (long long)t);
	} else {
		int p = s->prec ? s->prec : 9;
		char digits[16];
		snprintf(digits, sizeof digits, "%09u", (unsigned)ns);
		snprintf(buf, sizeof buf, "%lld.%.*s", (long long)t, p > 9 ? 9 : p, digits);
	}
	struct spec plain = *s;
	plain.prec = -1;
	put_text(&plain, buf);
}

static void put_quoted(const struct spec *s, const char *name, const struct sbx_stat *st) {
	char *target = S_ISLNK(st->mode) ? read_link(name) : NULL;
	char *text = target ? xasprintf("%s -> %s", quoteaf(name), quoteaf(target)) : xstrdup(quoteaf(name));
	put_text(s, text);
	free(target);
	free(text);
}

/* The default form's name: bare, with a link's target. */
static const char *plain_name(const char *name, const struct sbx_stat *st) {
	char *target = S_ISLNK(st->mode) ? read_link(name) : NULL;
	return target ? xasprintf("%s -> %s", quotef(name), quotef(target)) : quotef(name);
}

/* The mount point of a file: the last folder upwards on the same device. */
static char *mount_point(const char *name) {
	struct sbx_stat a, b;
	char *p = canonical(name, CANON_ALL, true);
	while (p && strcmp(p, "/") && sbx_stat(p, 0, &a) == 0) {
		char *up = dir_name(p);
		if (sbx_stat(up, 0, &b) || a.dev != b.dev) {
			free(up);
			break;
		}
		free(p);
		p = up;
	}
	return p ? p : xstrdup("?");
}

static void put_device(const struct spec *s, uint64_t dev, char c) {
	if (c == 'H')
		put_number(s, sbx_major(dev), "u");
	else
		put_number(s, sbx_minor(dev), "u");
}

static bool file_item(const struct spec *s, const char *p, const char *name, const struct sbx_stat *st) {
	char mode[11], *m;
	switch (*p) {
	case 'a': put_number(s, st->mode & 07777, "o"); break;
	case 'A': mode_string(st->mode, mode); put_text(s, mode); break;
	case 'b': put_number(s, (uint64_t)st->blocks, "u"); break;
	case 'B': put_number(s, 512, "u"); break;
	case 'C': put_text(s, "?"); break;
	case 'd': put_number(s, st->dev, "u"); break;
	case 'D': put_number(s, st->dev, "x"); break;
	case 'f': put_number(s, st->mode, "x"); break;
	case 'F': put_text(s, kind(st)); break;
	case 'g': put_number(s, st->gid, "u"); break;
	case 'G': put_text(s, group_name(st->gid) ? group_name(st->gid) : "UNKNOWN"); break;
	case 'h': put_number(s, st->nlink, "u"); break;
	case 'i': put_number(s, st->ino, "u"); break;
	case 'm': m = mount_point(name); put_text(s, m); free(m); break;
	case 'n': put_text(s, name); break;
	case 1: put_text(s, plain_name(name, st)); break;
	case 'N': put_quoted(s, name, st); break;
	case 'o': put_number(s, st->blksize, "u"); break;
	case 'r': put_number(s, st->rdev, "u"); break;
	case 'R': put_number(s, st->rdev, "x"); break;
	case 's': put_number(s, (uint64_t)st->size, "u"); break;
	case 't': put_number(s, sbx_major(st->rdev), "x"); break;
	case 'T': put_number(s, sbx_minor(st->rdev), "x"); break;
	case 'u': put_number(s, st->uid, "u"); break;
	case 'U': put_text(s, user_name(st->uid) ? user_name(st->uid) : "UNKNOWN"); break;
	case 'w': st->btime ? put_human_time(s, st->btime, st->btime_ns) : put_text(s, "-"); break;
	case 'W': put_epoch(s, st->btime, st->btime_ns); break;
	case 'x': put_human_time(s, st->atime, st->atime_ns); break;
	case 'X': put_epoch(s, st->atime, st->atime_ns); break;
	case 'y': put_human_time(s, st->mtime, st->mtime_ns); break;
	case 'Y': put_epoch(s, st->mtime, st->mtime_ns); break;
	case 'z': put_human_time(s, st->ctime, st->ctime_ns); break;
	case 'Z': put_epoch(s, st->ctime, st->ctime_ns); break;
	default: return false;
	}
	return true;
}

static bool fs_item(const struct spec *s, const char *p, const char *name, const struct sbx_statfs *f) {
	switch (*p) {
	case 'a': put_number(s, f->bavail, "u"); break;
	case 'b': put_number(s, f->blocks, "u"); break;
	case 'c': put_number(s, f->files, "u"); break;
	case 'd': put_number(s, f->ffree, "u"); break;
	case 'f': put_number(s, f->bfree, "u"); break;
	case 'i': put_number(s, 0, "x"); break;
	case 'l': put_number(s, f->namelen, "u"); break;
	case 'n': put_text(s, name); break;
	case 's': case 'S': put_number(s, f->bsize, "u"); break;
	case 't': put_number(s, f->type, "x"); break;
	case 'T': put_text(s, fs_name(f->type)); break;
	default: return false;
	}
	return true;
}

static const char *escape(const char *p) {
	static const char from[] = "abefnrtv\"\\", to[] = "\a\b\033\f\n\r\t\v\"\\";
	const char *e = *p ? strchr(from, *p) : NULL;
	if (*p >= '0' && *p <= '7') {
		int v = 0, n = 0;
		for (; n < 3 && *p >= '0' && *p <= '7'; n++)
			v = v * 8 + *p++ - '0';
		putchar(v);
		return p - 1;
	}
	if (e) {
		putchar(to[e - from]);
		return p;
	}
	if (!*p) {
		warn("warning: backslash at end of format");
		putchar('\\');
		return p - 1;
	}
	warn("warning: unrecognized escape '\\%c'", *p);
	putchar(*p);
	return p;
}

static void print(const char *format, const char *name, const struct sbx_stat *st, const struct sbx_statfs *fs) {
	for (const char *p = format; *p; p++) {
		if (*p == '\\' && escapes) {
			p = escape(p + 1);
			continue;
		}
		if (*p != '%') {
			putchar(*p);
			continue;
		}
		struct spec s = {.width = -1, .prec = -1};
		const char *start = p++;
		for (size_t n = 0; *p && strchr("'-+ #0I", *p); p++)
			if (n < 7 && *p != '\'' && *p != 'I')
				s.flags[n++] = *p;
		if (*p >= '0' && *p <= '9')
			for (s.width = 0; *p >= '0' && *p <= '9'; p++)
				s.width = s.width > 4000 ? 4000 : s.width * 10 + *p - '0';
		if (*p == '.')
			for (s.prec = 0, p++; *p >= '0' && *p <= '9'; p++)
				s.prec = s.prec > 400 ? 400 : s.prec * 10 + *p - '0';
		if (!*p || *p == '%') {
			if (*p && p - start > 1)
				die(1, "%s: invalid directive", quote(xstrndup(start, (size_t)(p - start + 1))));
			putchar('%');
			if (!*p)
				return;
			continue;
		}
		if (!fs && (*p == 'H' || *p == 'L') && (p[1] == 'd' || p[1] == 'r')) {
			put_device(&s, p[1] == 'd' ? st->dev : st->rdev, *p);
			p++;
			continue;
		}
		if (fs ? fs_item(&s, p, name, fs) : file_item(&s, p, name, st))
			continue;
		putchar('?');
	}
}

static const char file_format[] = "  File: %\1\n  Size: %-10s\tBlocks: %-10b IO Block: %-6o %F\nDevice: %Hd,%Ld\tInode: %-11i Links: %h\n"
    "Access: (%04a/%10.10A)  Uid: (%5u/%8U)   Gid: (%5g/%8G)\nAccess: %x\nModify: %y\nChange: %z\n Birth: %w\n";
static const char device_format[] = "  File: %\1\n  Size: %-10s\tBlocks: %-10b IO Block: %-6o %F\nDevice: %Hd,%Ld\tInode: %-11i Links: %-5h Device type: %Hr,%Lr\n"
    "Access: (%04a/%10.10A)  Uid: (%5u/%8U)   Gid: (%5g/%8G)\nAccess: %x\nModify: %y\nChange: %z\n Birth: %w\n";
static const char fs_format[] = "  File: \"%n\"\n    ID: %-8i Namelen: %-7l Type: %T\nBlock size: %-10s Fundamental block size: %S\n"
    "Blocks: Total: %-10b Free: %-10f Available: %a\nInodes: Total: %-10c Free: %d\n";

static int one(const char *name, const char *format, bool fs, bool deref, bool terse, bool newline) {
	struct sbx_stat st = {0};
	struct sbx_statfs f = {0};
	if (fs) {
		if (sbx_statfs(name, &f)) {
			warn_errno("cannot read file system information for %s", quoteaf(name));
			return 1;
		}
	} else if (strcmp(name, "-") == 0 ? sbx_fstat(0, &st) : sbx_stat(name, deref ? 0 : SBX_NOFOLLOW, &st)) {
		warn_errno("cannot statx %s", quoteaf(name));
		return 1;
	}
	bool ours = !format;
	if (!format && terse)
		format = fs ? "%n %i %l %t %s %S %b %f %a %c %d\n" : "%n %s %b %f %u %g %D %i %h %t %T %X %Y %Z %W %o\n";
	if (!format)
		format = fs ? fs_format : S_ISCHR(st.mode) || S_ISBLK(st.mode) ? device_format : file_format;
	print(format, name, &st, fs ? &f : NULL);
	if (!ours && newline)
		putchar('\n');
	return 0;
}

int stat_main(int argc, char **argv) {
	static const struct lopt longs[] = {{"dereference", 0, 'L'}, {"file-system", 0, 'f'}, {"format", 1, 'c'}, {"printf", 1, 1},
	    {"terse", 0, 't'}, {"cached", 1, 2}, {0, 0, 0}};
	const char *format = NULL;
	bool deref = false, fs = false, terse = false, newline = true;
	int c, rc = 0;
	while ((c = opt_next(argc, argv, "c:fLt", longs)) != -1) {
		switch (c) {
		case 'c': format = opt_arg; escapes = false; newline = true; break;
		case 1: format = opt_arg; escapes = true; newline = false; break;
		case 'L': deref = true; break;
		case 'f': fs = true; break;
		case 't': terse = true; break;
		}
	}
	if (opt_ind >= argc)
		missing_operand(1);
	for (; opt_ind < argc; opt_ind++)
		rc |= one(argv[opt_ind], format, fs, deref, terse, newline);
	return rc;
}
