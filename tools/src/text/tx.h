// What the text tools share: messages in GNU's shape, checked memory, growing buffers, option parsing,
// line input and checked output. One process runs one tool, so the tool's name is kept here once.
#ifndef SBX_TX_H
#define SBX_TX_H

#include "sbx.h"
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const char *tx_prog; // the tool's name for messages
extern int tx_fail_code;    // exit status of tx_die and of failed output; 1 unless a tool sets it

// tx_begin names the tool. Every main calls it first.
void tx_begin(const char *prog, int fail_code);
// tx_warn writes "prog: message" and, when err is not 0, ": strerror(err)".
void tx_warn(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void tx_die(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3), noreturn));
// tx_usage adds the "Try 'prog --help'" line to a message and exits with tx_fail_code.
void tx_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
// tx_try writes only the "Try" line and exits.
void tx_try(void) __attribute__((noreturn));
// tx_end flushes stdout and reports a failed write; it returns the exit status.
int tx_end(int status);
const char *tx_strerror(int err);

void *tx_alloc(size_t n);              // zeroed
void *tx_realloc(void *p, size_t n);
void *tx_array(void *p, size_t *cap, size_t need, size_t size); // grow to hold need elements
char *tx_strdup(const char *s);
char *tx_memdup(const char *s, size_t n); // with a NUL after it

typedef struct {
	char *p;
	size_t n, cap;
} buf;
void buf_add(buf *b, const void *s, size_t n);
void buf_str(buf *b, const char *s);
void buf_chr(buf *b, int c);
char *buf_z(buf *b); // NUL-terminated view
void buf_free(buf *b);

// Options, permuting like getopt_long. Non-options are collected in rest.
typedef struct {
	const char *name;
	int arg; // 0 none, 1 required, 2 optional
	int val;
} tx_long;
typedef struct {
	int argc, i;
	char **argv;
	const char *shorts;
	const tx_long *longs;
	char *arg;       // the option's argument
	char *cluster;   // inside -abc
	char **rest;
	int nrest, ended, inorder;
	const char *longname; // matched long option
	void (*usage)(void);  // replaces the "Try" line; does not return
} tx_opts;
// tx_opt_start: shorts as in getopt ("n:x", a leading '+' stops at the first non-option).
void tx_opt_start(tx_opts *o, int argc, char **argv, const char *shorts, const tx_long *longs);
// tx_opt returns the option's character or value, -1 at the end (rest is complete), and exits on a wrong one.
int tx_opt(tx_opts *o);

// Line input over a descriptor with a growing buffer; lines point into it until the next call.
typedef struct {
	int fd, eof, err;
	char *b;
	size_t r, w, cap;
} tx_in;
int tx_open(tx_in *in, const char *name); // "-" is stdin; 0 or -1 with errno
void tx_fdin(tx_in *in, int fd);
void tx_close(tx_in *in);
// tx_line returns 1 with a line (delimiter excluded; *nl tells whether it was there), 0 at the end.
int tx_line(tx_in *in, int delim, char **s, size_t *n, int *nl);
int tx_fill(tx_in *in); // read more behind w; 0 at the end
int tx_getc(tx_in *in); // -1 at the end
// tx_slurp reads the rest.
void tx_slurp(tx_in *in, buf *out);
int tx_read_all(const char *name, buf *out); // a whole file; -1 with errno

void tx_out(const char *s, size_t n); // to stdout
static inline void tx_putc(int c) { putchar(c); }

// tx_num parses a decimal count: 0 ok, -1 not a number, 1 overflow (value clamped).
int tx_num(const char *s, uint64_t *v);
int tx_fopen_w(const char *name, int append, FILE **f); // with umask and mode; -1 with errno
char *tx_quote(const char *s); // 'name' in GNU's shell style only when needed; the caller frees it

static inline int tx_isspace(int c) { return c == ' ' || (c >= 9 && c <= 13); }
static inline int tx_isblank(int c) { return c == ' ' || c == '\t'; }
static inline int tx_isdigit(int c) { return c >= '0' && c <= '9'; }
static inline int tx_isupper(int c) { return c >= 'A' && c <= 'Z'; }
static inline int tx_islower(int c) { return c >= 'a' && c <= 'z'; }
static inline int tx_isalpha(int c) { return tx_isupper(c) || tx_islower(c); }
static inline int tx_isalnum(int c) { return tx_isalpha(c) || tx_isdigit(c); }
static inline int tx_upper(int c) { return tx_islower(c) ? c - 32 : c; }
static inline int tx_lower(int c) { return tx_isupper(c) ? c + 32 : c; }
static inline int tx_isprint(int c) { return c >= 32 && c < 127; }

#endif
