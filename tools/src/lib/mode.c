/* chmod's modes: octal and symbolic. */
#include "tool.h"

static bool octal(const char *s, uint32_t *v, size_t *digits) {
	size_t n = 0;
	uint32_t m = 0;
	for (; s[n] >= '0' && s[n] <= '7' && m <= 07777; n++)
		m = m * 8 + (uint32_t)(s[n] - '0');
	*v = m;
	*digits = n;
	return n > 0 && !s[n] && m <= 07777;
}

static uint32_t who_bits(const char **s) {
	uint32_t who = 0;
	for (;; (*s)++) {
		switch (**s) {
		case 'u': who |= 04700; break;
		case 'g': who |= 02070; break;
		case 'o': who |= 01007; break;
		case 'a': who |= 07777; break;
		default: return who;
		}
	}
}

/* The permission part of one action, spread over u, g and o. */
static bool perm_bits(const char **s, uint32_t mode, uint32_t *bits) {
	*bits = 0;
	if (**s == 'u' || **s == 'g' || **s == 'o') {
		uint32_t three = (mode >> (**s == 'u' ? 6 : **s == 'g' ? 3 : 0)) & 7;
		*bits = three * 0111;
		(*s)++;
		return true;
	}
	uint32_t num;
	size_t digits = 0;
	while ((*s)[digits] >= '0' && (*s)[digits] <= '7')
		digits++;
	if (digits) {
		num = (uint32_t)strtoul(*s, NULL, 8);
		*bits = num | 1u << 31;
		*s += digits;
		return num <= 07777;
	}
	for (;; (*s)++) {
		switch (**s) {
		case 'r': *bits |= 0444; break;
		case 'w': *bits |= 0222; break;
		case 'x': *bits |= 0111; break;
		case 'X': *bits |= S_ISDIR(mode) || (mode & 0111) ? 0111 : 0; break;
		case 's': *bits |= 06000; break;
		case 't': *bits |= 01000; break;
		default: return true;
		}
	}
}

static uint32_t act(uint32_t mode, char op, uint32_t who, uint32_t bits, uint32_t umask) {
	bool number = bits >> 31;
	uint32_t affected = who ? who : 07777;
	bits &= 07777;
	if (!number)
		bits &= who ? who : ~umask & 07777;
	if (op == '+')
		return mode | bits;
	if (op == '-')
		return mode & ~bits;
	uint32_t keep = S_ISDIR(mode) && !number ? 06000 & ~bits : 0;
	if (!who && !number)
		affected = 07777;
	return (mode & ~affected) | (mode & keep & affected) | bits;
}

static bool symbolic(const char *s, uint32_t *mode, uint32_t umask) {
	for (;;) {
		uint32_t who = who_bits(&s);
		if (*s != '+' && *s != '-' && *s != '=')
			return false;
		while (*s == '+' || *s == '-' || *s == '=') {
			char op = *s++;
			uint32_t bits;
			if (!perm_bits(&s, *mode, &bits) || (bits >> 31 && who))
				return false;
			*mode = (*mode & S_IFMT) | (act(*mode, op, who, bits, umask) & 07777);
		}
		if (!*s)
			return true;
		if (*s++ != ',')
			return false;
	}
}

bool mode_valid(const char *spec) {
	uint32_t v;
	size_t n;
	return octal(spec, &v, &n) || symbolic(spec, &(uint32_t){0}, 0);
}

uint32_t mode_apply(const char *spec, uint32_t mode, uint32_t umask) {
	uint32_t v;
	size_t n;
	if (octal(spec, &v, &n))
		return S_ISDIR(mode) && n < 5 ? v | (mode & 06000) : v;
	symbolic(spec, &mode, umask);
	return mode & 07777;
}

void mode_string(uint32_t mode, char out[11]) {
	static const char rwx[] = "rwxrwxrwx";
	out[0] = S_ISDIR(mode) ? 'd' : S_ISLNK(mode) ? 'l' : S_ISCHR(mode) ? 'c' : S_ISBLK(mode) ? 'b' :
	    S_ISFIFO(mode) ? 'p' : S_ISSOCK(mode) ? 's' : S_ISREG(mode) ? '-' : '?';
	for (int i = 0; i < 9; i++)
		out[1 + i] = mode & (0400u >> i) ? rwx[i] : '-';
	if (mode & 04000)
		out[3] = mode & 0100 ? 's' : 'S';
	if (mode & 02000)
		out[6] = mode & 0010 ? 's' : 'S';
	if (mode & 01000)
		out[9] = mode & 0001 ? 't' : 'T';
	out[10] = 0;
}
