/* The archive as a stream: plain, through the gzip code, or through a program as tar -I has it. */
#include "gz.h"
#include "tar.h"

static int fd = -1, child;
static struct rd in;
static struct gz_in gz;
static struct gz_out gzo;
static bool through_gz, gz_first, at_end, failed; /* failed: the gzip data are damaged, and that was said */
static struct sbx_stat self;
static bool know_self;
static uint64_t block_number;

static const uint8_t *have; /* bytes of the stream not yet taken */
static size_t n_have;
static size_t taken_in; /* of the rd's buffer: skipped at the next fill */

static uint8_t *record;
static size_t n_record, record_size;
static uint64_t written;

bool ar_is_archive(const struct sbx_stat *st) {
	return know_self && S_ISREG(self.mode) && st->dev == self.dev && st->ino == self.ino;
}

static void remember(void) { know_self = sbx_fstat(fd, &self) == 0; }

static NORETURN void child_status(uint32_t status) {
	if (SBX_WIFSIGNALED(status))
		tar_error("Child died with signal %d", SBX_WTERMSIG(status));
	else
		tar_error("Child returned status %d", SBX_WEXITSTATUS(status));
	warn("Error is not recoverable: exiting now");
	exit(2);
}

static void wait_child(void) {
	uint32_t status = 0;
	if (!child)
		return;
	sbx_wait(child, 0, &status);
	child = 0;
	if (status)
		child_status(status);
}

/* Starts the program between the archive and a pipe, whose other end takes the archive's place. */
static void spawn(const char *program, bool expand) {
	int p[2];
	if (sbx_pipe(p))
		tar_fatal("Cannot create pipe: %s", errtext(errno));
	char *line = expand ? xasprintf("%s -d", program) : xstrdup(program);
	char *argv[] = {"/bin/sh", "-c", line, NULL};
	int fds[3] = {expand ? fd : p[0], expand ? p[1] : fd, SBX_INHERIT};
	fcntl(expand ? p[0] : p[1], F_SETFD, FD_CLOEXEC);
	child = sbx_spawn("/bin/sh", argv, NULL, fds, 0);
	if (child < 0) {
		child = 0;
		warn_errno("%s: Cannot exec", program);
		warn("Error is not recoverable: exiting now");
		exit(2);
	}
	free(line);
	close(fd);
	close(expand ? p[1] : p[0]);
	fd = expand ? p[0] : p[1];
	sbx_signal(13, 1); /* what a dead child leaves unread is told by its status */
}

/* ---- reading */

static const struct {
	const char *magic;
	uint8_t n;
	const char *program, *option;
} known[] = {{"\x1f\x8b", 2, NULL, "-z"}, {"BZh", 3, "bzip2", "-j"}, {"\xfd" "7zXZ", 6, "xz", "-J"}, {"(\xb5/\xfd", 4, "zstd", "--zstd"},
    {"LZIP", 4, "lzip", "--lzip"}, {"\x1f\x9d", 2, "compress", "-Z"}};

/* Fills have. False at the end. */
static bool fill(void) {
	if (n_have)
		return true;
	if (at_end)
		return false;
	if (!through_gz) {
		char *p;
		rd_skip(&in, taken_in);
		ssize_t n = rd_peek(&in, &p);
		taken_in = 0;
		if (n < 0)
			tar_fatal("%s: Cannot read: %s", shown_colon(to.file), errtext(errno));
		at_end = n == 0;
		have = (const uint8_t *)p;
		n_have = taken_in = n > 0 ? (size_t)n : 0;
		return n > 0;
	}
	for (;;) {
		ssize_t n = gz_next(&gz, &have);
		if (n > 0) {
			n_have = (size_t)n;
			return true;
		}
		int code = (int)n;
		if (n == 0) {
			code = gz_header(&gz, gz_first);
			gz_first = false;
			if (code == 1)
				continue;
			if (code == GZ_END) {
				at_end = true;
				return false;
			}
			if (code == GZ_MAGIC && gz.out) {
				fflush(stdout);
				fprintf(stderr, "\ngzip: stdin: decompression OK, trailing garbage ignored\n");
				at_end = true;
				tar_error("Child returned status 2");
				return false;
			}
		}
		fflush(stdout);
		fprintf(stderr, "\ngzip: stdin: %s\n", code == GZ_READ ? errtext(in.err) : gz_error(code));
		at_end = failed = true;
		return false;
	}
}

static void recognize(bool named) {
	char *p = NULL;
	size_t got = 0;
	ssize_t n = rd_peek(&in, &p);
	if (n < 0) {
		tar_error("%s: Cannot read: %s", shown_colon(to.file), errtext(errno));
		warn("At beginning of tape, quitting now");
		warn("Error is not recoverable: exiting now");
		exit(2);
	}
	got = (size_t)n;
	for (size_t i = 0; i < LEN(known); i++) {
		if (got < known[i].n || memcmp(p, known[i].magic, known[i].n))
			continue;
		if (!named || !S_ISREG(self.mode))
			tar_fatal("Archive is compressed. Use %s option", known[i].option);
		if (!known[i].program) {
			through_gz = true;
		} else {
			lseek(fd, 0, SEEK_SET);
			rd_free(&in);
			spawn(known[i].program, true);
			rd_init(&in, fd);
		}
		return;
	}
}

void ar_open_read(void) {
	bool named = strcmp(to.file, "-") != 0;
	if (!named && isatty(0))
		tar_fatal("Refusing to read archive contents from terminal (missing -f option?)");
	fd = named ? sbx_open(to.file, SBX_O_RDONLY, 0) : 0;
	if (fd < 0)
		tar_fatal("%s: Cannot open: %s", shown_colon(to.file), errtext(errno));
	remember();
	if (to.program)
		spawn(to.program, true);
	rd_init(&in, fd);
	through_gz = to.gzip;
	if (!to.gzip && !to.program)
		recognize(named);
	if (through_gz)
		gz_in_init(&gz, &in);
	gz_first = true;
}

ssize_t ar_data(const uint8_t **p, uint64_t max) {
	if (!fill())
		return 0;
	size_t n = n_have < max ? n_have : (size_t)max;
	*p = have;
	have += n;
	n_have -= n;
	return (ssize_t)n;
}

bool ar_block(uint8_t b[BLOCK]) {
	size_t got = 0;
	const uint8_t *p;
	while (got < BLOCK) {
		ssize_t n = ar_data(&p, BLOCK - got);
		if (n == 0)
			break;
		memcpy(b + got, p, (size_t)n);
		got += (size_t)n;
	}
	if (got < BLOCK) { /* a part of a block at the end counts for nothing */
		if (block_number == 0 && !failed && !child && to.mode != 'r' && to.mode != 'u')
			tar_error("This does not look like a tar archive");
		return false;
	}
	block_number++;
	return true;
}

uint64_t ar_block_number(void) { return block_number; }

bool ar_skip(uint64_t n) {
	const uint8_t *p;
	while (n > 0) {
		ssize_t k = ar_data(&p, n);
		if (k == 0)
			return false;
		n -= (uint64_t)k;
	}
	return true;
}

bool ar_skip_data(uint64_t size) {
	block_number += size / BLOCK + (size % BLOCK != 0);
	return ar_skip(size) && ar_skip((BLOCK - size % BLOCK) % BLOCK);
}

void ar_close_read(void) {
	const uint8_t *p;
	if (through_gz || child) /* what follows the end is read, so that a writer is not cut off and checksums are seen */
		while (ar_data(&p, 65536) > 0)
			;
	close(fd);
	wait_child();
	if (failed) {
		tar_error("Child returned status 1");
		warn("Error is not recoverable: exiting now");
		exit(2);
	}
}

/* ---- writing */

static NORETURN void write_failed(void) {
	int e = errno;
	tar_error("%s: Cannot write: %s", shown_colon(to.file), errtext(e));
	if (e == EPIPE && child) {
		close(fd);
		wait_child();
	}
	warn("Error is not recoverable: exiting now");
	exit(2);
}

static int to_fd(void *ctx, const void *p, size_t n) { return full_write(fd, p, n); }

static void start_record(void) {
	record_size = (size_t)to.blocking * BLOCK;
	record = xmalloc(record_size);
}

static void flush_record(void) {
	if (through_gz ? gz_out_write(&gzo, record, n_record) : full_write(fd, record, n_record))
		write_failed();
	n_record = 0;
}

static void choose_by_suffix(void) {
	static const char *const by[][2] = {{".gz", ""}, {".tgz", ""}, {".taz", ""}, {".bz2", "bzip2"}, {".tbz", "bzip2"}, {".tbz2", "bzip2"},
	    {".tz2", "bzip2"}, {".xz", "xz"}, {".txz", "xz"}, {".zst", "zstd"}, {".tzst", "zstd"}, {".lz", "lzip"}, {".lzma", "lzma"},
	    {".tlz", "lzma"}, {".lzo", "lzop"}, {".Z", "compress"}};
	size_t n = strlen(to.file);
	for (size_t i = 0; i < LEN(by); i++) {
		size_t k = strlen(by[i][0]);
		if (n < k || strcmp(to.file + n - k, by[i][0]))
			continue;
		if (*by[i][1])
			to.program = by[i][1];
		else
			to.gzip = true;
	}
}

void ar_open_write(void) {
	bool named = strcmp(to.file, "-") != 0;
	if (to.auto_suffix && !to.gzip && !to.program)
		choose_by_suffix();
	if (!named && isatty(1))
		tar_fatal("Refusing to write archive contents to terminal (missing -f option?)");
	fd = named ? sbx_open(to.file, SBX_O_WRONLY | SBX_O_CREAT | SBX_O_TRUNC, 0666) : 1;
	if (fd < 0)
		tar_fatal("%s: Cannot open: %s", shown_colon(to.file), errtext(errno));
	remember();
	if (to.program)
		spawn(to.program, false);
	through_gz = to.gzip;
	if (through_gz && gz_out_start(&gzo, 6, NULL, 0, to_fd, NULL))
		write_failed();
	start_record();
}

void ar_open_append(void) {
	fd = sbx_open(to.file, SBX_O_RDWR | SBX_O_CREAT, 0666);
	if (fd < 0)
		tar_fatal("%s: Cannot open: %s", shown_colon(to.file), errtext(errno));
	remember();
	rd_init(&in, fd);
	char *p;
	if (rd_peek(&in, &p) >= 2 && memcmp(p, "\x1f\x8b", 2) == 0)
		tar_usage("Cannot update compressed archives");
}

void ar_append_here(uint64_t block) {
	start_record();
	if (lseek(fd, (off_t)(block * BLOCK), SEEK_SET) < 0)
		tar_fatal("%s: Cannot seek: %s", shown_colon(to.file), errtext(errno));
	written = block * BLOCK;
}

void ar_write(const void *p, size_t n) {
	const uint8_t *s = p;
	written += n;
	while (n > 0) {
		size_t k = record_size - n_record < n ? record_size - n_record : n;
		memcpy(record + n_record, s, k);
		n_record += k;
		s += k;
		n -= k;
		if (n_record == record_size)
			flush_record();
	}
}

void ar_pad(uint64_t size) {
	static const uint8_t zeros[BLOCK];
	ar_write(zeros, (size_t)((BLOCK - size % BLOCK) % BLOCK));
}

void ar_close_write(void) {
	static const uint8_t zeros[BLOCK];
	ar_write(zeros, BLOCK);
	ar_write(zeros, BLOCK);
	while (written % record_size)
		ar_write(zeros, BLOCK);
	if (n_record)
		flush_record();
	if (through_gz && gz_out_end(&gzo))
		write_failed();
	if (close(fd))
		write_failed();
	wait_child();
}
