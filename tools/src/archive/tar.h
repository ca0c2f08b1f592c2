/* tar.h: what the parts of tar share. */
#ifndef TAR_H
#define TAR_H

#include "tool.h"

enum { BLOCK = 512, MAX_NAME = 1 << 20, MAX_PAX = 8 << 20, MAX_SPARSE = 1 << 20 };
enum format { F_GNU, F_OLDGNU, F_USTAR, F_PAX, F_V7 };
enum old_files { OLD_REPLACE, OLD_KEEP, OLD_SKIP, OLD_OVERWRITE, OLD_UNLINK, OLD_NEWER };

struct tar_options {
	char mode; /* c x t r u */
	enum format format;
	enum old_files old;
	const char *file, *program; /* of the archive, "-" for a stream; to compress with, as -I has it */
	bool gzip, auto_suffix, absolute, deref, hard_deref, to_stdout, numeric, touch, utc, full_time, show_transformed, no_recursion;
	bool one_fs, ignore_failed, ignore_zeros, remove_files, clamp, keep_dir_links, null_names, verbatim;
	int verbose, blocking, strip, same_owner, same_mode; /* same_: -1 default */
	bool wildcards, anchored, ignore_case, no_match_slash;
	const char *top; /* --one-top-level */
	bool has_top;
	const char *mode_spec, *owner, *group;
	uint32_t owner_id, group_id; /* (uint32_t)-1: the file's */
	bool has_mtime, has_newer;
	int64_t mtime, newer;
	uint32_t mtime_ns;
};
extern struct tar_options to;
extern int tar_status;

struct piece {
	uint64_t at, len;
};

struct member {
	char *name, *link; /* as in the archive, malloced */
	char *uname, *gname;
	char type;
	uint32_t mode, uid, gid, dev_major, dev_minor, mtime_ns;
	int64_t mtime;
	uint64_t size;      /* of the data in the archive */
	uint64_t real_size; /* of the file */
	struct piece *map;  /* of a sparse file */
	size_t pieces;
	bool sparse, pax_map; /* pax_map: version 1.0, the map is in front of the data */
};

/* ---- messages (tar.c) */
void tar_error(const char *fmt, ...) PRINTF(1, 2);  /* status 2, goes on */
void tar_errno(const char *name, const char *what); /* "NAME: Cannot WHAT: strerror" */
void tar_warn(const char *fmt, ...) PRINTF(1, 2);   /* no status */
void tar_differs(const char *fmt, ...) PRINTF(1, 2); /* status 1 */
void tar_fatal(const char *fmt, ...) NORETURN PRINTF(1, 2);
NORETURN void tar_usage(const char *fmt, ...) PRINTF(1, 2);
const char *shown(const char *name);       /* escaped as tar lists it; of a ring of 4 */
const char *shown_colon(const char *name); /* the same in front of a colon */

/* ---- the archive as a stream of blocks (tar_io.c) */
void ar_open_read(void);
void ar_open_write(void);
void ar_open_append(void);                 /* for -r and -u: read first, then ar_append_here */
void ar_append_here(uint64_t block);       /* goes on writing at a block */
bool ar_block(uint8_t b[BLOCK]);           /* false at the end of the archive */
uint64_t ar_block_number(void);            /* of the next block to read */
ssize_t ar_data(const uint8_t **p, uint64_t max); /* some bytes, at most max; 0: end of the archive */
bool ar_skip(uint64_t n);                  /* bytes; rounds nothing */
bool ar_skip_data(uint64_t size);          /* a member's data with its padding */
void ar_write(const void *p, size_t n);
void ar_pad(uint64_t size);                /* zeros up to the next block */
void ar_close_read(void);
void ar_close_write(void);
bool ar_is_archive(const struct sbx_stat *st);

/* ---- headers (tar_head.c, tar_pax.c) */
enum { HEAD_END, HEAD_OK, HEAD_BAD, HEAD_ZERO };
int head_read(struct member *m);  /* extended headers are taken in; HEAD_ZERO: a zero block */
void head_free(struct member *m);
bool head_write(const struct member *m);
bool pax_parse(struct member *m, char *text, size_t n, bool *has_size, bool global);
void pax_globals(struct member *m);
void pax_write(const struct member *m, bool name, bool link);
uint64_t head_number(const char *field, size_t n, bool *ok);
void head_private(const char *name, char type, size_t size, uint32_t mode, int64_t mtime); /* a header and nothing more */
bool sparse_pax_map(struct member *m, uint64_t *left); /* reads a 1.0 map from the data */

/* ---- names (tar_names.c) */
struct operand {
	char *name, *dir; /* dir: absolute, where it is looked for; NULL where tar was started */
	bool found;
};
extern struct operand *operands;
extern size_t n_operands;
void names_add(const char *name);
void names_chdir(const char *dir);
void names_from(const char *file);
void names_go(const char *dir); /* changes to where an operand is */
const char *names_last_dir(void);
void exclude_add(const char *pattern);
void exclude_from(const char *file);
bool excluded(const char *name);
struct operand *names_match(const char *member); /* NULL: not wanted. With no operands: an operand without a name */
void names_report(void);
void transform_add(const char *expr);
char *transformed(const char *name, char what); /* r: member, h: hard link target, s: symlink target; malloced */
char *safe_name(const char *name, bool link);   /* without what leads out of the tree; malloced */
bool has_dotdot(const char *name);

/* ---- doing it */
void tar_create(void);                     /* tar_create.c: c, r, u */
void tar_read(void);                       /* tar_list.c: t, x */
void list_member(FILE *f, const struct member *m, const char *name, const char *link);
void extract_member(struct member *m, char *name, struct operand *op); /* tar_extract.c */
void extract_end(void);
bool member_to(const struct member *m, int fd, const char *name); /* the data; fd < 0: skip it */

#endif
