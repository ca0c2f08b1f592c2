// awk: a tree-walking interpreter. Strings are counted references; arrays are hash tables in insertion order.
#ifndef SBX_AWK_H
#define SBX_AWK_H

#include "re.h"
#include "tx.h"

typedef struct {
	int ref;
	size_t n;
	char d[];
} str;

enum { V_NONE = 0, V_NUM = 1, V_STR = 2, V_MAYBE = 4 }; // V_MAYBE: input that counts as a number if it looks like one
typedef struct {
	int t;
	double n;
	str *s;
} cell;

typedef struct elem elem;
struct elem {
	elem *next, *before, *after;
	uint32_t h;
	str *k;
	cell v;
};
typedef struct {
	elem **b, *first, *last;
	size_t nb, n;
	int ref;
} array;

// A variable's slot. An untyped parameter remembers where it came from, so that becoming an array shows there too.
typedef struct slot slot;
struct slot {
	cell c;
	array *a;
	slot *from;
};

typedef struct node node;
struct node {
	int op, line;
	node *a, *b, *c, *d, *next; // next: lists of arguments and statements
	int i;                      // variable index, builtin, function number, operator
	cell v;
	re *re;
};

enum { // tokens and node operations share numbers above 256
	T_EOF = 256, T_NL, T_NUM, T_STR, T_ERE, T_NAME, T_FUNCNAME, T_BUILTIN, T_BEGIN, T_END, T_BEGINFILE, T_ENDFILE, T_FUNCTION, T_IF, T_ELSE, T_WHILE, T_FOR, T_DO, T_BREAK,
	T_CONTINUE, T_NEXT, T_NEXTFILE, T_EXIT, T_RETURN, T_DELETE, T_IN, T_GETLINE, T_PRINT, T_PRINTF, T_SWITCH, T_CASE, T_DEFAULT, T_ADDA, T_SUBA, T_MULA, T_DIVA, T_MODA, T_POWA, T_AND,
	T_OR, T_NOMATCH, T_LE, T_GE, T_EQ, T_NE, T_INC, T_DEC, T_APPEND,
	N_GLOBAL, N_LOCAL, N_FIELD, N_INDEX, N_CONST, N_REGEX, N_MATCH, N_NOT, N_NEG, N_PLUS, N_POW, N_CONCAT, N_ASSIGN, N_OPASSIGN, N_PREINC, N_PREDEC, N_POSTINC, N_POSTDEC,
	N_COND, N_INARR, N_CALL, N_BUILTIN, N_GETLINE, N_GROUP, N_EXPR, N_BLOCK, N_FORIN, N_DELALL, N_CMP, N_ARITH
};

enum { G_NF, G_NR, G_FNR, G_FS, G_RS, G_OFS, G_ORS, G_SUBSEP, G_CONVFMT, G_OFMT, G_RSTART, G_RLENGTH, G_FILENAME, G_ENVIRON, G_ARGC, G_ARGV, G_RT, G_FIELDWIDTHS, G_FPAT, G_IGNORECASE, G_PROCINFO, G_COUNT };

enum { B_LENGTH, B_SUBSTR, B_INDEX, B_SPLIT, B_SUB, B_GSUB, B_GENSUB, B_MATCH, B_SPRINTF, B_SIN, B_COS, B_ATAN2, B_EXP, B_LOG, B_SQRT, B_INT, B_RAND, B_SRAND, B_TOLOWER, B_TOUPPER, B_SYSTEM,
	B_CLOSE, B_FFLUSH, B_STRFTIME, B_MKTIME, B_SYSTIME, B_AND, B_OR, B_XOR, B_LSHIFT, B_RSHIFT, B_COMPL, B_STRTONUM, B_ASORT, B_ASORTI, B_TYPEOF, B_ISARRAY };

typedef struct {
	char *name;
	int nparams, defined;
	char **params;
	node *body;
} func;

typedef struct {
	node *pat, *pat2, *body;
	int active;
} rule;

enum { U_NONE, U_BREAK, U_CONTINUE, U_NEXT, U_NEXTFILE, U_EXIT, U_RETURN };

typedef struct stream stream;
typedef struct {
	// the program
	const char *src, *p, *srcname;
	size_t nsrc;
	int line, tok, prevtok, parsing;
	cell tokv;
	char *tokname;
	int tokid, paren, nogt, noin, depth;
	func *cur; // being parsed
	char **gnames;
	slot **g;
	size_t ng, cg, cgn;
	func *f;
	size_t nf, cf;
	rule *rules;
	size_t nrules, crules;
	node *begin, *end, *beginfile, *endfile;
	// running
	slot *locals;
	int nlocals, calls, unwind, exitcode, in_end;
	cell ret;
	// the record
	cell *fld;
	size_t nfld, cfld; // fld[0] is $0
	int split, rebuilt; // fields are split; $0 must be rebuilt
	stream *streams;
	tx_in in;
	int open, argi, used_file;
	buf rec, tmp;
	struct {
		str *s;
		re *r;
		int icase;
	} cache[256];
	uint64_t seed[2];
	double lastseed;
} awk;

void awk_fatal(awk *w, const char *fmt, ...) __attribute__((noreturn, format(printf, 2, 3)));
void awk_parse(awk *w, const char *src, size_t n, const char *name);
void awk_lex(awk *w);
int awk_global(awk *w, const char *name);
void awk_unescape(awk *w, const char *s, size_t n, buf *out);

str *str_new(const char *s, size_t n);
static inline str *str_ref(str *s) { return s->ref++, s; }
void str_unref(str *s);
void cell_free(cell *c);
cell cell_num(double n);
cell cell_str(const char *s, size_t n);
cell cell_input(const char *s, size_t n);
cell cell_copy(const cell *c);
void cell_set(cell *dst, cell src); // takes src over
double awk_num(cell *c);
str *awk_str(awk *w, const cell *c);  // a new reference, by CONVFMT
str *awk_out(awk *w, const cell *c);  // by OFMT
int awk_true(cell *c);
int awk_looks(const cell *c);         // is a number: NUM, or input that looks like one
int awk_cmp(awk *w, cell *a, cell *b);
double str_num(const char *s, size_t n);

array *arr_new(void);
void arr_free(array *a);
void arr_clear(array *a);
elem *arr_get(array *a, str *k, int create);
int arr_del(array *a, str *k);

cell *awk_field(awk *w, size_t i);
void awk_set_field(awk *w, size_t i, cell v);
void awk_set_nf(awk *w, double n);
void awk_split_record(awk *w);
void awk_set_record(awk *w, const char *s, size_t n);
str *awk_record(awk *w);
size_t awk_split(awk *w, const char *s, size_t n, const cell *fs, const re *fsre, array *out, array *seps);
int awk_next_record(awk *w);               // main input to $0; 0 at the end
int awk_read_main(awk *w, char **s, size_t *n); // the next record of main input
void awk_skip_file(awk *w);
int awk_getline_from(awk *w, str *name, int pipe, char **s, size_t *n); // 1, 0, -1
FILE *awk_output(awk *w, str *name, int how); // '>' T_APPEND '|'
int awk_close(awk *w, str *name);
int awk_flush(awk *w, str *name);
void awk_close_all(awk *w);
int awk_system(awk *w, str *cmd);
cell *awk_var(awk *w, int g);
re *awk_regex(awk *w, str *s);

void awk_run(awk *w, node *n);
cell awk_eval(awk *w, node *n);
array *awk_array(awk *w, node *n);
cell *awk_lvalue(awk *w, node *n); // not for fields
void awk_assign(awk *w, node *lv, cell v);
re *awk_re_of(awk *w, node *n);
cell awk_builtin(awk *w, node *n);
str *awk_format(awk *w, node *args);

#endif
