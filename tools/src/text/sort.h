#ifndef SBX_SORT_H
#define SBX_SORT_H

#include "tx.h"

typedef struct {
	size_t sword, schar, eword, echar; // eword SIZE_MAX: to the end of the line
	int sblank, eblank;                // skip blanks at the start and end
	int dict, fold, print, numeric, general, human, month, version, random, reverse;
} key;

typedef struct {
	const char *p;
	size_t n;
} line;

typedef struct {
	key g, *keys;
	size_t nkeys, ckeys;
	int tab; // -1: blanks
	int unique, stable, check, merge, zero;
	const char *out;
	uint64_t seed;
} sorter;

// sort_cmp orders two lines: keys, then the whole line unless stable or unique.
int sort_cmp(const sorter *s, const line *a, const line *b);
// sort_ver is the version order of -V.
int sort_ver(const char *a, size_t an, const char *b, size_t bn);

#endif
