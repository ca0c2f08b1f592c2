/* wget: downloads over HTTP, and over HTTPS where the sandbox does TLS. */
#include "http.h"

#include <strings.h>

const char wget_help[] = " [OPTION]... [URL]...\nDownload files over HTTP and HTTPS.\n\n"
    "  -q, --quiet   -nv, --no-verbose   -S, --server-response   -c, --continue   -nc, --no-clobber\n"
    "  -O, --output-document=FILE     write to FILE (- is standard output)\n"
    "  -P, --directory-prefix=PREFIX  save files to PREFIX/\n  -i, --input-file=FILE          URLs, one a line\n"
    "  -t, --tries=NUMBER             number of attempts (0: no end)\n  -T, --timeout=SECONDS          of each wait\n"
    "  -w, --wait=SECONDS             between attempts\n      --max-redirect=NUMBER      default 20\n"
    "      --header=STRING  --method=NAME  --post-data=STRING  --post-file=FILE  --body-data=STRING  --body-file=FILE\n"
    "      --user=USER  --password=PASS  -U, --user-agent=AGENT  --referer=URL  --spider  --content-disposition\n"
    "      --no-check-certificate  --ca-certificate=FILE\n      --https-only                   no HTTP, after a redirection neither\n\n"
    "Exit status: 0, 1 other error, 2 usage, 3 file error, 4 network failure, 5 TLS failure, 6 authentication, 7 protocol,\n"
    "8 the server said no.\n";

enum { OK = 0, OTHER = 1, USAGE = 2, FILES = 3, NETWORK = 4, TLS = 5, AUTH = 6, PROTOCOL = 7, SERVER = 8 };

static bool quiet, terse, show_headers, go_on, keep, spider, any_cert, disposition, tls_only;
static const char *output, *prefix, *method, *agent = "Wget/1.21.3", *referer, *user, *password, *ca_file, *body;
static char *extra;
static size_t body_len;
static long tries = 20, redirects = 20;
static double timeout = 900, pause_s;
static int out_fd = -1;
static bool wrote; /* part of a body */
static char *roots;

#define VERBOSE(...) do { if (!quiet && !terse) fprintf(stderr, __VA_ARGS__); } while (0)
#define SAY(...) do { if (!quiet) fprintf(stderr, __VA_ARGS__); } while (0)

static char *stamp(void) {
	struct when w;
	int64_t t;
	uint32_t ns;
	now(&t, &ns);
	local_time(t, ns, &w);
	return time_format("%Y-%m-%d %H:%M:%S", &w);
}

static double seconds(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* One step of a download: RETRY asks for another try. */
#define RETRY (-1)

static int dial(struct http *h, const struct url *u) {
	char why[256] = "";
	if (u->tls && !roots && !any_cert && !(roots = slurp(ca_file, NULL))) {
		warn("no authorities to verify %s by: %s: %s (see --ca-certificate, --no-check-certificate)", u->host, ca_file, errtext(errno));
		return TLS;
	}
	VERBOSE("Connecting to %s:%u... ", u->host, u->port);
	h->fd = sbx_connect(u->host, u->port, u->tls ? SBX_TLS | (any_cert ? SBX_TLS_ANY : 0) : 0, (uint32_t)h->timeout, roots, why);
	int e = errno;
	if (h->fd >= 0) {
		VERBOSE("connected.\n");
		return OK;
	}
	if (u->tls && e == ENOSYS) {
		SAY("failed.\n");
		warn("HTTPS needs the sandbox's TLS, which this build has not");
		return TLS;
	}
	if (u->tls && (e == EACCES || e == EPROTO)) {
		VERBOSE("connected.\n");
		if (e == EACCES)
			fprintf(stderr, "ERROR: cannot verify %s's certificate: %s\nTo connect to %s insecurely, use `--no-check-certificate'.\n", u->host, why, u->host);
		else
			fprintf(stderr, "Unable to establish SSL connection: %s\n", why);
		return e == EACCES ? TLS : NETWORK;
	}
	SAY("failed: %s.\n", errtext(e));
	return e == ETIMEDOUT || e == EINTR || e == ECONNRESET ? RETRY : NETWORK;
}

static char *request(const struct url *u, int64_t from, bool with_login) {
	const char *verb = method ? method : body ? "POST" : spider ? "HEAD" : "GET";
	const char *name = u->user ? u->user : user, *pass = u->user ? u->password : password;
	bool six = strchr(u->host, ':') != NULL, usual = u->port == (u->tls ? 443U : 80U);
	char *line = xasprintf("%s %s HTTP/1.1\r\n", verb, u->path), *port = usual ? "" : xasprintf(":%u", u->port);
	char *r = xasprintf("%sHost: %s%s%s%s\r\nUser-Agent: %s\r\nAccept: */*\r\nAccept-Encoding: identity\r\nConnection: close\r\n",
	    line, six ? "[" : "", u->host, six ? "]" : "", port, agent);
	if (from > 0)
		r = xasprintf("%sRange: bytes=%lld-\r\n", r, (long long)from);
	if (referer)
		r = xasprintf("%sReferer: %s\r\n", r, referer);
	if (name && with_login)
		r = xasprintf("%sAuthorization: Basic %s\r\n", r, base64_text(xasprintf("%s:%s", name, pass ? pass : "")));
	if (body)
		r = xasprintf("%sContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %zu\r\n", r, body_len);
	return xasprintf("%s%s\r\n", r, extra ? extra : "");
}

/* A name for the file, which a server cannot lead out of the folder. */
static char *file_name(const struct url *u, const struct response *r) {
	const char *field = disposition && r ? http_field(r, "Content-Disposition") : NULL, *at = NULL;
	char *name = NULL;
	if (field) {
		char *l = xstrndup(field, strcspn(field, "\n"));
		if ((at = strstr(l, "filename="))) {
			at += 9;
			name = *at == '"' ? xstrndup(at + 1, strcspn(at + 1, "\"")) : xstrndup(at, strcspn(at, "; "));
			name = xstrdup(base_of(name));
		}
	}
	if (!name || !*name) {
		size_t end = strcspn(u->path, "?"), start = end;
		while (start && u->path[start - 1] != '/')
			start--;
		name = start == end ? xasprintf("index.html%s", u->path + end) : xstrdup(u->path + start);
		for (char *c = name, *o = name;; c++) {
			unsigned v = 0;
			if (*c == '%' && sscanf(c + 1, "%2x", &v) == 1 && v >= ' ' && v < 127)
				c += 2, *o = (char)v;
			else
				*o = *c;
			if (!*o++)
				break;
		}
	}
	for (char *c = name; *c; c++)
		if (*c == '/')
			*c = '_';
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || !*name)
		name = "index.html";
	return prefix ? path_join(prefix, name) : name;
}

static int64_t size_of(const char *name) {
	struct sbx_stat st;
	return sbx_stat(name, 0, &st) == 0 ? st.size : 0;
}

static char *short_size(double n, const char *const units[4], char b[32]) {
	int i = 0;
	for (; n >= 1024 && i < 3; i++)
		n /= 1024;
	snprintf(b, 32, i && n < 9.95 ? "%.1f%s" : i && n < 99.5 ? "%.0f%s" : "%.0f%s", n, units[i]);
	return b;
}

/* GNU's dots: one for 1 KiB, fifty a line. */
struct dots {
	int64_t done, total, shown; /* shown: dots */
	double begun;
};

static void dots_tail(struct dots *d, bool last) {
	static const char *const units[] = {"", "K", "M", "G"};
	char b[32];
	double took = seconds() - d->begun, rate = took > 0 ? (double)d->done / took : 0;
	if (d->total > 0)
		fprintf(stderr, "%4lld%%", (long long)(d->done * 100 / d->total));
	fprintf(stderr, " %5s", short_size(rate, units, b));
	if (last)
		fprintf(stderr, "=%.*fs", took < 10 ? 1 : 0, took);
}

static void dots_add(struct dots *d, int64_t n) {
	if (quiet || terse)
		return;
	for (d->done += n; d->shown < d->done / 1024; d->shown++) {
		if (d->shown % 50 == 0)
			fprintf(stderr, "%s%6lldK", d->shown ? "\n" : "", (long long)d->shown);
		fprintf(stderr, "%s.", d->shown % 10 ? "" : " ");
		if (d->shown % 50 == 49)
			dots_tail(d, false);
	}
}

static void dots_end(struct dots *d) {
	if (quiet || terse)
		return;
	if (d->shown % 50 == 0)
		fprintf(stderr, "%s%6lldK", d->shown ? "\n" : "", (long long)d->shown);
	for (int64_t i = d->shown % 50; i < 50; i++)
		fprintf(stderr, "%s ", i % 10 ? "" : " ");
	dots_tail(d, true);
	fprintf(stderr, "\n\n");
}

static int save(struct http *h, const struct url *u, const char *name, int fd, int64_t from) {
	static char buf[16384];
	static const char *const rates[] = {" B/s", " KB/s", " MB/s", " GB/s"};
	char rate[32];
	struct dots d = {0, h->r.length < 0 ? -1 : h->r.length, 0, seconds()};
	int64_t got = from;
	ssize_t n;
	while ((n = http_body(h, buf, sizeof buf)) > 0) {
		if (fd >= 0 && full_write(fd, buf, (size_t)n)) {
			warn_errno("%s", name);
			return FILES;
		}
		got += n;
		wrote = true;
		dots_add(&d, n);
	}
	int e = errno;
	dots_end(&d);
	double took = seconds() - d.begun;
	short_size(took > 0 ? (double)(got - from) / took : 0, rates, rate);
	if (n == BODY_END) {
		char all[48] = "";
		if (h->r.length >= 0)
			snprintf(all, sizeof all, "/%lld", (long long)(h->r.length + from));
		const char *to = strcmp(name, "-") ? name : "-";
		if (terse && !quiet)
			fprintf(stderr, "%s URL:%s [%lld%s] -> \"%s\" [1]\n", stamp(), url_text(u), (long long)got, all, to);
		else if (strcmp(to, "-") == 0)
			VERBOSE("%s (%s) - written to stdout [%lld%s]\n\n", stamp(), rate, (long long)got, all);
		else
			VERBOSE("%s (%s) - %s saved [%lld%s]\n\n", stamp(), rate, quote(to), (long long)got, all);
		return OK;
	}
	if (n == BODY_SHORT)
		SAY("%s (%s) - Connection closed at byte %lld. ", stamp(), rate, (long long)got);
	else
		SAY("%s (%s) - Read error at byte %lld (%s). ", stamp(), rate, (long long)got, n == BODY_TIMEOUT ? errtext(ETIMEDOUT) : errtext(e));
	return RETRY;
}

static void print_head(const struct response *r) {
	for (const char *p = r->headers; *p;) {
		size_t n = strcspn(p, "\n");
		fprintf(stderr, "  %.*s\n", (int)n, p);
		p += n + 1;
	}
}

static void print_length(const struct response *r, int64_t from) {
	char b[32];
	static const char *const units[] = {"", "K", "M", "G"};
	const char *type = http_field(r, "Content-Type");
	VERBOSE("Length: ");
	if (r->length < 0)
		VERBOSE("unspecified");
	else {
		VERBOSE("%lld", (long long)(r->length + from));
		if (r->length + from >= 1024)
			VERBOSE(" (%s)", short_size((double)(r->length + from), units, b));
		if (from)
			VERBOSE(", %lld remaining", (long long)r->length);
	}
	if (type)
		VERBOSE(" [%.*s]", (int)strcspn(type, ";\n "), type);
	VERBOSE("\n");
}

/* What to do with the answer: its body, a redirect in *next, or the end. from: what is there already. */
static int answer(struct http *h, struct url *u, char *name, int64_t from, char **next) {
	struct response *r = &h->r;
	if (show_headers && !quiet) {
		VERBOSE("\n");
		print_head(r);
	} else
		VERBOSE("%d %s\n", r->status, r->reason);
	const char *where = http_field(r, "Location");
	if (where && (r->status == 301 || r->status == 302 || r->status == 303 || r->status == 307 || r->status == 308)) {
		*next = url_join(u, where);
		VERBOSE("Location: %.*s [following]\n", (int)strcspn(where, "\n"), where);
		if (r->status == 303 || ((r->status == 301 || r->status == 302) && !method))
			body = NULL;
		return OK;
	}
	if (r->status == 416 && from) {
		VERBOSE("\n    The file is already fully retrieved; nothing to do.\n\n");
		return OK;
	}
	if (r->status / 100 != 2) {
		if (spider && r->status == 404) {
			SAY("Remote file does not exist -- broken link!!!\n\n");
			return SERVER;
		}
		if (r->status == 401)
			SAY("\nUsername/Password Authentication Failed.\n");
		else if (terse)
			SAY("%s:\n%s ERROR %d: %s.\n", url_text(u), stamp(), r->status, r->reason);
		else
			SAY("%s ERROR %d: %s.\n\n", stamp(), r->status, r->reason);
		return r->status == 401 ? AUTH : SERVER;
	}
	if (r->status != 206)
		from = 0;
	else {
		const char *range = http_field(r, "Content-Range");
		long long start = -1;
		if (!range || sscanf(range, "bytes %lld-", &start) != 1 || start != from) {
			warn("the server sent another range than was asked for");
			return PROTOCOL;
		}
	}
	print_length(r, from);
	if (spider) {
		if (terse)
			SAY("%s URL: %s %d %s\n", stamp(), url_text(u), r->status, r->reason);
		VERBOSE("Remote file exists.\n\n");
		return OK;
	}
	int fd = out_fd;
	if (fd < 0) {
		if (disposition)
			name = file_name(u, r);
		fd = sbx_open(name, SBX_O_WRONLY | SBX_O_CREAT | (from ? SBX_O_APPEND : SBX_O_TRUNC), 0666);
		if (fd < 0) {
			SAY("%s: %s\n\nCannot write to %s (%s).\n", name, errtext(errno), quote(name), errtext(errno));
			return FILES;
		}
	}
	VERBOSE(strcmp(name, "-") ? "Saving to: %s\n\n" : "Saving to: 'STDOUT'\n\n", quote(name));
	int rc = save(h, u, name, fd, from);
	if (fd != out_fd && close(fd) && rc == OK) {
		warn_errno("%s", name);
		rc = FILES;
	}
	return rc;
}

static int once(struct url *u, char *name, int64_t from, bool login, char **next) {
	struct http h = {.fd = -1, .timeout = timeout > 2e6 ? 2000000000 : (int)(timeout * 1000)};
	int rc = dial(&h, u);
	if (rc)
		return rc;
	char *head = request(u, from, login);
	VERBOSE("HTTP request sent, awaiting response... ");
	if (http_send(&h, head, strlen(head)) || (body && http_send(&h, body, body_len)) || http_head(&h)) {
		SAY(h.timed_out || errno ? "Read error (%s) in headers.\n" : "No data received.\n", errtext(errno));
		rc = RETRY;
	} else
		rc = answer(&h, u, name, from, next);
	close(h.fd);
	free(head);
	return rc;
}

static int get(const char *text) {
	struct url u;
	const char *bad = url_parse(text, &u), *first_body = body;
	if (bad) {
		fprintf(stderr, "%s: %s.\n", text, bad);
		return OTHER;
	}
	char *host = u.host, *name = output ? (char *)output : file_name(&u, NULL);
	bool tls = u.tls;
	int rc = RETRY;
	if (keep && !output && sbx_access(name, 0) == 0) {
		VERBOSE("File %s already there; not retrieving.\n\n", quote(name));
		return OK;
	}
	if (!go_on && !output && !spider && sbx_access(name, 0) == 0)
		for (int i = 1;; i++) {
			char *other = xasprintf("%s.%d", name, i);
			if (sbx_access(other, 0)) {
				name = other;
				break;
			}
		}
	bool resume = go_on;
	int64_t start = out_fd >= 0 ? lseek(out_fd, 0, SEEK_CUR) : 0;
	long moved = 0;
	for (long i = 1; rc == RETRY && (tries == 0 || i <= tries); i++) {
		if (spider && i == 1 && !moved)
			VERBOSE("Spider mode enabled. Check if remote file exists.\n");
		if (tls_only && !u.tls) {
			fprintf(stderr, "%s: --https-only allows no HTTP.\n", url_text(&u));
			return OTHER;
		}
		VERBOSE("--%s--  %s%s\n", stamp(), i > 1 ? xasprintf("(try:%2ld)  ", i) : "", url_text(&u));
		char *next = NULL;
		int64_t from = resume && out_fd < 0 && !spider ? size_of(name) : 0;
		rc = once(&u, name, from, u.tls == tls && strcmp(u.host, host) == 0, &next);
		if (next) {
			if (++moved > redirects) {
				SAY("%ld redirections exceeded.\n", redirects);
				return SERVER;
			}
			if ((bad = url_parse(next, &u))) {
				fprintf(stderr, "%s: %s.\n", next, bad);
				return OTHER;
			}
			i = 0;
			rc = RETRY;
			continue;
		}
		if (rc != RETRY)
			break;
		bool again = tries == 0 || i < tries;
		SAY(again ? "Retrying.\n\n" : "Giving up.\n\n");
		if (out_fd < 0)
			resume = true;
		else if (wrote && (start < 0 || ftruncate(out_fd, start) || lseek(out_fd, start, SEEK_SET) < 0)) {
			rc = NETWORK; /* what was written cannot be taken back */
			break;
		}
		wrote = false;
		double wait = pause_s ? pause_s : i < 10 ? (double)i : 10;
		struct timespec t = {(time_t)wait, (long)((wait - (double)(time_t)wait) * 1e9)};
		if (again)
			nanosleep(&t, NULL);
	}
	body = first_body;
	return rc == RETRY ? NETWORK : rc;
}

static double number(const char *s, const char *what) {
	char *end;
	double v = strtod(s, &end);
	if (end == s || *end || !(v >= 0)) {
		warn("%s: Invalid time period %s", what, quote(s));
		exit(USAGE);
	}
	return v;
}

static long count(const char *s) {
	char *end;
	long v = strcmp(s, "inf") ? strtol(s, &end, 10) : 0;
	if (strcmp(s, "inf") && (end == s || *end || v < 0)) {
		warn("Invalid number %s", quote(s));
		exit(USAGE);
	}
	return v;
}

static void add_header(const char *h) {
	if (!strchr(h, ':') || strpbrk(h, "\r\n")) {
		warn("--header: Invalid header %s.", quote(h));
		exit(USAGE);
	}
	extra = xasprintf("%s%s\r\n", extra ? extra : "", h);
}

static void read_body(const char *file) {
	body = slurp(file, &body_len);
	if (!body)
		die(FILES, "BODY data file %s missing: %s", quote(file), errtext(errno));
}

enum { HEADER = 256, METHOD, DATA, POST_FILE, USER, PASSWORD, SPIDER, NO_CHECK, CA, REDIRECT, REFERER, DISPOSITION, HTTPS_ONLY, NOTHING };

static char **files;
static int nfiles;

static void options(int argc, char **argv) {
	static const struct lopt longs[] = {{"quiet", 0, 'q'}, {"no-verbose", 0, 'n'}, {"verbose", 0, 'v'}, {"server-response", 0, 'S'},
	    {"continue", 0, 'c'}, {"no-clobber", 0, 'k'}, {"output-document", 1, 'O'}, {"directory-prefix", 1, 'P'},
	    {"input-file", 1, 'i'}, {"tries", 1, 't'}, {"timeout", 1, 'T'}, {"connect-timeout", 1, 'T'}, {"read-timeout", 1, 'T'},
	    {"dns-timeout", 1, NOTHING}, {"wait", 1, 'w'}, {"waitretry", 1, 'w'}, {"user-agent", 1, 'U'}, {"header", 1, HEADER},
	    {"method", 1, METHOD}, {"post-data", 1, DATA}, {"body-data", 1, DATA}, {"post-file", 1, POST_FILE},
	    {"body-file", 1, POST_FILE}, {"user", 1, USER}, {"http-user", 1, USER}, {"password", 1, PASSWORD},
	    {"http-password", 1, PASSWORD}, {"spider", 0, SPIDER}, {"no-check-certificate", 0, NO_CHECK}, {"ca-certificate", 1, CA},
	    {"max-redirect", 1, REDIRECT}, {"referer", 1, REFERER}, {"content-disposition", 0, DISPOSITION}, {"progress", 1, NOTHING},
	    {"show-progress", 0, NOTHING}, {"no-cache", 0, NOTHING}, {"no-proxy", 0, NOTHING}, {"no-hsts", 0, NOTHING},
	    {"auth-no-challenge", 0, NOTHING}, {"https-only", 0, HTTPS_ONLY}, {0, 0, 0}};
	int c, n = 1;
	for (int i = 1; i < argc; i++) { /* -nv and -nc are options of two letters */
		if (strcmp(argv[i], "-nv") == 0)
			terse = true;
		else if (strcmp(argv[i], "-nc") == 0)
			keep = true;
		else
			argv[n++] = argv[i];
	}
	argv[n] = NULL;
	files = xcalloc((size_t)argc + 1, sizeof *files);
	opt_status = exit_failure = USAGE;
	while ((c = opt_next(n, argv, "qvScO:P:i:t:T:w:U:", longs)) != -1) {
		switch (c) {
		case 'q': quiet = true; break;
		case 'n': terse = true; break;
		case 'v': terse = quiet = false; break;
		case 'S': show_headers = true; break;
		case 'c': go_on = true; break;
		case 'k': keep = true; break;
		case 'O': output = opt_arg; break;
		case 'P': prefix = opt_arg; break;
		case 'i': files[nfiles++] = opt_arg; break;
		case 't': tries = count(opt_arg); break;
		case 'T': timeout = number(opt_arg, "--timeout"); break;
		case 'w': pause_s = number(opt_arg, "--wait"); break;
		case 'U': agent = opt_arg; break;
		case HEADER: add_header(opt_arg); break;
		case METHOD: method = opt_arg; break;
		case DATA: body = opt_arg, body_len = strlen(opt_arg); break;
		case POST_FILE: read_body(opt_arg); break;
		case USER: user = opt_arg; break;
		case PASSWORD: password = opt_arg; break;
		case SPIDER: spider = true; break;
		case NO_CHECK: any_cert = true; break;
		case CA: ca_file = opt_arg; break;
		case HTTPS_ONLY: tls_only = true; break;
		case REDIRECT: redirects = count(opt_arg); break;
		case REFERER: referer = opt_arg; break;
		case DISPOSITION: disposition = true; break;
		}
	}
	const char *text[] = {method, agent, referer};
	for (size_t i = 0; i < LEN(text); i++)
		if (text[i] && strpbrk(text[i], "\r\n"))
			die(USAGE, "a header cannot have line ends");
}

static int worst(int a, int b) { return !a ? b : !b ? a : a < b ? a : b; }

static int get_list(const char *file) {
	struct rd in;
	size_t n;
	int rc = OK, fd = open_input(file);
	char *l;
	if (fd < 0) {
		warn_errno("%s", file);
		return FILES;
	}
	rd_init(&in, fd);
	while ((l = rd_line(&in, '\n', &n))) {
		char *one = xstrndup(l, n);
		one[strcspn(one, "\r\n")] = 0;
		if (*one)
			rc = worst(rc, get(one));
		free(one);
	}
	return rc;
}

int wget_main(int argc, char **argv) {
	int rc = OK;
	ca_file = getenv("SSL_CERT_FILE") ? getenv("SSL_CERT_FILE") : "/etc/ssl/certs/ca-certificates.crt";
	options(argc, argv);
	if (!argv[opt_ind] && !nfiles) {
		fprintf(stderr, "%s: missing URL\nUsage: %s [OPTION]... [URL]...\n\nTry `%s --help' for more options.\n", prog, prog, prog);
		return OTHER;
	}
	if (output && strcmp(output, "-") == 0)
		out_fd = 1;
	else if (output && !spider && !go_on) {
		out_fd = sbx_open(output, SBX_O_WRONLY | SBX_O_CREAT | SBX_O_TRUNC, 0666);
		if (out_fd < 0) {
			fprintf(stderr, "%s: %s\n", output, errtext(errno));
			return FILES;
		}
	}
	for (int i = opt_ind; argv[i]; i++)
		rc = worst(rc, get(argv[i]));
	for (int i = 0; i < nfiles; i++)
		rc = worst(rc, get_list(files[i]));
	return rc;
}
