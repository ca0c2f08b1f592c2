/* http.h: a small HTTP/1.1 client, for wget. */
#ifndef HTTP_H
#define HTTP_H

#include "tool.h"

struct url {
	bool tls;
	char *host, *user, *password, *path; /* path with the query, as sent */
	unsigned port;
};

struct response {
	int status;
	char *reason, *headers; /* headers: all lines, with \r taken out */
	int64_t length;         /* of the body; -1 unknown */
	bool chunked;
};

enum { BODY_END = 0, BODY_ERROR = -1, BODY_SHORT = -2, BODY_TIMEOUT = -3 };

struct http {
	int fd, timeout; /* ms; 0 none */
	bool timed_out;
	char buf[16384];
	size_t pos, end;
	struct response r;
	int64_t left; /* of the body or the chunk; -1 until the end of the stream */
	bool begun, last; /* the first and the last chunk were seen */
};

/* NULL, or what is wrong with the text. */
const char *url_parse(const char *text, struct url *u);
char *url_text(const struct url *u);                       /* without a password */
char *url_join(const struct url *base, const char *where); /* where a redirect leads */
char *base64_text(const char *s);

/* Sends all of a request, then reads the head of the answer: 0, or -1 with errno (0: no sensible answer). */
int http_send(struct http *h, const char *text, size_t n);
int http_head(struct http *h);
ssize_t http_body(struct http *h, char *buf, size_t n); /* how much, or BODY_* */
const char *http_field(const struct response *r, const char *name); /* to the end of its line; NULL: none */

#endif
