// Shared by the re_*.c files only.
#ifndef SBX_RE_INT_H
#define SBX_RE_INT_H

#include "re.h"
#include <stdint.h>

enum { A_BOL, A_EOL, A_WORDB, A_NWORDB, A_WBEG, A_WEND, A_BOT, A_EOT, A_EOTNL };
enum { L_AHEAD, L_NAHEAD, L_BEHIND, L_NBEHIND, L_ATOMIC };

// The program: instructions by index. SPLIT prefers x.
enum { I_CHAR, I_SET, I_ANY, I_SPLIT, I_JMP, I_SAVE, I_ASSERT, I_BREF, I_LOOK, I_MATCH };
typedef struct {
	uint8_t op, arg;  // arg: byte, assertion, group or look kind
	int32_t x, y;     // targets; I_SET: set index in y, next in x
} inst;

typedef struct {
	uint8_t b[32];
} bset;

typedef struct dfa dfa;

struct re {
	int flags, nsub;
	inst *prog;
	int nprog, cprog;
	bset *sets;
	int nsets, csets;
	int has_assert, has_bref, has_look;
	int start;
	char *must;
	size_t must_n;
	int must_whole;
	uint8_t first[256]; // bytes a match can start with; valid if first_ok
	int first_ok;
	dfa *scan, *anch; // unanchored and anchored automata
};

enum { N_EMPTY, N_CHAR, N_SET, N_ANY, N_CAT, N_ALT, N_REP, N_GROUP, N_ASSERT, N_BREF, N_LOOK, N_KEEP };
typedef struct node node;
struct node {
	uint8_t op, arg;
	int min, max; // N_REP, max -1 = no limit; N_SET: index in min; N_GROUP/N_BREF: number in min
	int lazy;     // 1 lazy, 2 possessive
	node *kid, *next;
};

// re_parse builds the tree (memory in a chain freed by re_tree_free).
typedef struct arena arena;
node *re_parse(re *r, const char *pat, size_t n, arena **a, const char **err);
void re_tree_free(arena *a);
int re_emit(re *r, node *t); // 0 when too big
void re_analyse(re *r, node *t);
void *re_alloc(size_t n);
void *re_grow(void *p, size_t n);

static inline int re_isword(int c) {
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}
static inline void bset_add(bset *s, int c) { s->b[(c & 255) >> 3] |= (uint8_t)(1 << (c & 7)); }
static inline int bset_has(const bset *s, int c) { return s->b[(c & 255) >> 3] >> (c & 7) & 1; }

// re_holds tells whether an assertion is true at position i of s[0..n).
int re_holds(const re *r, int kind, const char *s, size_t n, size_t i, int eflags);
// re_back runs the backtracker at start; want >= 0 asks for a match that ends there. cap has 2*(nsub+1) slots.
int re_back(re *r, const char *s, size_t n, size_t start, ptrdiff_t want, int longest, ptrdiff_t *cap, int eflags);
dfa *re_dfa_new(re *r, int unanchored);
void re_dfa_free(dfa *d);
// re_dfa_run returns the end of a match or -1. Unanchored: the earliest end. Anchored at from: the longest.
ptrdiff_t re_dfa_run(dfa *d, const char *s, size_t n, size_t from, int eflags);

#endif
