// Regular expressions for the text tools: byte oriented (the C locale), POSIX leftmost-longest with the GNU
// extensions, and a Perl mode for grep -P. One compiled program, two ways to run it: a lazily built DFA that
// finds where matches are, and a backtracker for groups, back-references and Perl's constructs.
#ifndef SBX_RE_H
#define SBX_RE_H

#include <stddef.h>

enum {
	RE_ERE = 1,     // extended syntax, else basic
	RE_ICASE = 2,   // ignore case (ASCII)
	RE_NEWLINE = 4, // ^ and $ match at newlines too
	RE_NONL = 8,    // . and [^x] do not match a newline
	RE_AWK = 16,    // awk's escapes, also inside brackets
	RE_PERL = 32,   // Perl's syntax and first-match rule
	RE_POSIXOPS = 64, // an operator with nothing before it is an error (sed -E)
	RE_EMACS = 128, // find's default: like basic, but + and ? are operators
};

enum { RE_NOTBOL = 1 }; // the start of the text is not the start of a line

typedef struct re re;
typedef struct {
	ptrdiff_t so, eo; // byte offsets, -1 when the group took no part
} re_m;

// re_compile returns NULL and sets *err to GNU's message when the pattern is wrong.
re *re_compile(const char *pat, size_t n, int flags, const char **err);
void re_free(re *r);
// re_nsub is the number of groups.
int re_nsub(const re *r);
// re_exec looks for the leftmost match that starts at or after from. It returns 1 and fills m[0..nm) or 0.
// With nm == 0 it only says whether there is one.
int re_exec(re *r, const char *s, size_t n, size_t from, re_m *m, int nm, int eflags);
// re_find_end is the end of some match in s[from..n): the one that ends first, or -1.
ptrdiff_t re_find_end(re *r, const char *s, size_t n, size_t from);
// re_must returns the longest byte string that every match contains (length 0: none known) and whether the
// pattern is nothing but that string.
const char *re_must(const re *r, size_t *n, int *whole);
// re_fail is called when memory or work limits are exceeded during matching; the tool's own die().
extern void re_fail(const char *msg);

#endif
