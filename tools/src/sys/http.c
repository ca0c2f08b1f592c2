/* URLs, requests and answers of HTTP/1.1. */
#include "http.h"

#include <poll.h>
#include <strings.h>

#define MAX_HEAD 262144

const char *url_parse(const char *text, struct url *u) {
	*u = (struct url){.port = 80};
	const char *at = strstr(text, "://");
	if (at && strncasecmp(text, "https://", 8) == 0)
		u->tls = true, u->port = 443;
	else if (at && strncasecmp(text, "http://", 7))
		return "Unsupported scheme";
	const char *p = at ? at + 3 : text;
	size_t n = strcspn(p, "/?#");
	char *host = xstrndup(p, n), *login = strrchr(host, '@');
	if (login) {
		*login = 0;
		u->user = host;
		host = login + 1;
		if ((u->password = strchr(u->user, ':')))
			*u->password++ = 0;
	}
	char *end = host;
	if (*host == '[') {
		end = strchr(++host, ']');
		if (!end)
			return "Unterminated IPv6 numeric address";
		*end++ = 0;
	} else
		end += strcspn(host, ":");
	if (*end == ':') {
		*end++ = 0;
		char *rest = end;
		unsigned long port = *end ? strtoul(end, &rest, 10) : u->port;
		if (*rest || *end == '-' || *end == '+' || port == 0 || port > 65535)
			return "Bad port number";
		u->port = (unsigned)port;
	}
	if (!*host)
		return "Invalid host name";
	for (char *c = host; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 127)
			return "Invalid host name";
	u->host = host;
	p += n;
	size_t len = strcspn(p, "#"), o = 0;
	char *path = xmalloc(3 * len + 2);
	if (*p != '/')
		path[o++] = '/';
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)p[i];
		if (c <= ' ' || c >= 127 || strchr("\"<>\\^`{|}", c))
			o += (size_t)sprintf(path + o, "%%%02X", c);
		else
			path[o++] = (char)c;
	}
	path[o] = 0;
	u->path = path;
	return NULL;
}

char *url_text(const struct url *u) {
	bool usual = u->port == (u->tls ? 443U : 80U), six = strchr(u->host, ':') != NULL;
	char port[16] = "";
	if (!usual)
		snprintf(port, sizeof port, ":%u", u->port);
	return xasprintf("%s://%s%s%s%s%s", u->tls ? "https" : "http", six ? "[" : "", u->host, six ? "]" : "", port, u->path);
}

char *url_join(const struct url *base, const char *where) {
	size_t n = strcspn(where, "\n");
	char *w = xstrndup(where, n);
	size_t scheme = strcspn(w, ":/?#");
	if (w[scheme] == ':')
		return w;
	if (w[0] == '/' && w[1] == '/')
		return xasprintf("%s:%s", base->tls ? "https" : "http", w);
	struct url u = *base;
	size_t query = strcspn(base->path, "?");
	if (w[0] == '/')
		u.path = w;
	else if (w[0] == '?')
		u.path = xasprintf("%.*s%s", (int)query, base->path, w);
	else {
		size_t dir = query;
		while (dir && base->path[dir - 1] != '/')
			dir--;
		u.path = xasprintf("%.*s%s", (int)dir, base->path, w);
	}
	return url_text(&u);
}

char *base64_text(const char *s) {
	static const char abc[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t n = strlen(s), o = 0;
	char *out = xmalloc(n / 3 * 4 + 5);
	for (size_t i = 0; i < n; i += 3) {
		unsigned v = 0;
		for (size_t k = 0; k < 3; k++)
			v = v << 8 | (i + k < n ? (unsigned char)s[i + k] : 0);
		for (size_t k = 0; k < 4; k++)
			out[o++] = i + k > n ? '=' : abc[v >> (18 - 6 * k) & 63];
	}
	out[o] = 0;
	return out;
}

static bool wait_for(struct http *h, short what) {
	struct pollfd p = {h->fd, what, 0};
	int got;
	if (!h->timeout)
		return true;
	while ((got = poll(&p, 1, h->timeout)) < 0 && errno == EINTR)
		;
	h->timed_out = got == 0;
	if (got == 0)
		errno = ETIMEDOUT;
	return got > 0;
}

int http_send(struct http *h, const char *text, size_t n) {
	while (n) {
		if (!wait_for(h, POLLOUT))
			return -1;
		ssize_t did = write(h->fd, text, n);
		if (did < 0 && errno == EINTR)
			continue;
		if (did <= 0)
			return -1;
		text += did;
		n -= (size_t)did;
	}
	return 0;
}

/* Reads more: 1, 0 at the end, -1 on error. */
static int fill(struct http *h) {
	ssize_t got;
	if (!wait_for(h, POLLIN))
		return -1;
	while ((got = read(h->fd, h->buf, sizeof h->buf)) < 0 && errno == EINTR)
		;
	h->pos = 0;
	h->end = got > 0 ? (size_t)got : 0;
	return got > 0 ? 1 : (int)got;
}

/* A line without its end; NULL at the end of the stream, on errors and when it is too long. */
static char *line(struct http *h, size_t *room) {
	size_t n = 0, cap = 0;
	char *s = NULL;
	errno = 0;
	for (;;) {
		if (h->pos == h->end && fill(h) <= 0)
			break;
		char c = h->buf[h->pos++];
		if (c == '\n') {
			if (n && s[n - 1] == '\r')
				n--;
			s = grow(s, n, &cap, 1);
			s[n] = 0;
			return s;
		}
		if (*room == 0)
			break;
		--*room;
		s = grow(s, n, &cap, 1);
		s[n++] = c ? c : ' ';
	}
	free(s);
	return NULL;
}

const char *http_field(const struct response *r, const char *name) {
	size_t n = strlen(name);
	for (const char *p = r->headers; *p; p = strchrnul(p, '\n'), p += *p == '\n')
		if (strncasecmp(p, name, n) == 0 && p[n] == ':')
			return p + n + 1 + strspn(p + n + 1, " \t");
	return NULL;
}

int http_head(struct http *h) {
	size_t room = MAX_HEAD;
	do {
		char *first = line(h, &room);
		int at = 0;
		if (!first)
			return -1;
		h->r = (struct response){.length = -1};
		if (sscanf(first, "HTTP/%*d.%*d %3d%n", &h->r.status, &at) != 1 || h->r.status < 100) {
			errno = 0;
			return -1;
		}
		h->r.reason = first + at + strspn(first + at, " ");
		char *all = xasprintf("%s\n", first), *l;
		while ((l = line(h, &room)) && *l) {
			char *more = xasprintf("%s%s\n", all, l);
			free(all);
			free(l);
			all = more;
		}
		if (!l)
			return -1;
		free(l);
		h->r.headers = all;
	} while (h->r.status < 200 && h->r.status != 101);
	const char *f = http_field(&h->r, "Transfer-Encoding");
	h->r.chunked = f && strncasecmp(f, "chunked", 7) == 0;
	if (!h->r.chunked && (f = http_field(&h->r, "Content-Length")) && *f >= '0' && *f <= '9') {
		errno = 0;
		h->r.length = strtoll(f, NULL, 10);
		if (errno)
			return errno = 0, -1;
	}
	if (h->r.status == 204 || h->r.status == 304)
		h->r.length = 0, h->r.chunked = false;
	h->left = h->r.chunked ? 0 : h->r.length;
	return 0;
}

/* The size of the next chunk; the trailer goes with the last one. */
static int next_chunk(struct http *h, bool first) {
	size_t room = MAX_HEAD;
	char *l;
	if (!first) {
		if (!(l = line(h, &room)))
			return -1;
		bool empty = !*l;
		free(l);
		if (!empty)
			return errno = 0, -1;
	}
	if (!(l = line(h, &room)))
		return -1;
	char *end;
	errno = 0;
	long long n = strtoll(l, &end, 16);
	bool bad = end == l || n < 0 || errno || *l == '-' || *l == '+';
	free(l);
	if (bad)
		return errno = 0, -1;
	h->left = n;
	if (n)
		return 0;
	h->last = true;
	while ((l = line(h, &room)) && *l)
		free(l);
	free(l);
	return 0;
}

ssize_t http_body(struct http *h, char *buf, size_t n) {
	if (h->r.chunked && !h->last && h->left == 0) {
		errno = 0;
		if (next_chunk(h, !h->begun))
			return h->timed_out ? BODY_TIMEOUT : errno ? BODY_ERROR : BODY_SHORT;
		h->begun = true;
	}
	if (h->left == 0)
		return BODY_END;
	if (h->pos == h->end) {
		errno = 0;
		int got = fill(h);
		if (got < 0)
			return h->timed_out ? BODY_TIMEOUT : BODY_ERROR;
		if (got == 0)
			return h->left < 0 ? BODY_END : BODY_SHORT;
	}
	size_t have = h->end - h->pos;
	n = n < have ? n : have;
	if (h->left >= 0 && (uint64_t)h->left < n)
		n = (size_t)h->left;
	memcpy(buf, h->buf + h->pos, n);
	h->pos += n;
	if (h->left > 0)
		h->left -= (int64_t)n;
	return (ssize_t)n;
}
