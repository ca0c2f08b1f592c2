package tty

// queueLimit bounds each of the two byte queues between the sides of a pair:
// what Linux keeps in a side's flip buffers plus in its read buffer.
const queueLimit = 8192 + bufSize

// queue is a bounded ring of bytes that grows as it is used.
type queue struct {
	buf   []byte
	head  int // index of the oldest byte
	n     int
	limit int
}

// space is how many bytes still fit.
func (q *queue) space() int { return q.limit - q.n }

// put appends as much of p as fits and returns how much that was.
func (q *queue) put(p []byte) int {
	if s := q.space(); len(p) > s {
		p = p[:s]
	}
	q.reserve(len(p))
	tail := q.head + q.n
	if tail >= len(q.buf) {
		tail -= len(q.buf)
	}
	c := copy(q.buf[tail:], p)
	copy(q.buf, p[c:])
	q.n += len(p)
	return len(p)
}

// putByte appends one byte that the caller knows to fit.
func (q *queue) putByte(c byte) {
	if q.n == len(q.buf) {
		q.reserve(1)
	}
	tail := q.head + q.n
	if tail >= len(q.buf) {
		tail -= len(q.buf)
	}
	q.buf[tail] = c
	q.n++
}

// take moves the oldest bytes into p.
func (q *queue) take(p []byte) int {
	total := 0
	for len(p) > 0 && q.n > 0 {
		c := copy(p, q.front())
		q.drop(c)
		p = p[c:]
		total += c
	}
	return total
}

// front is the longest run of oldest bytes that lies in one piece.
func (q *queue) front() []byte { return q.buf[q.head:min(q.head+q.n, len(q.buf))] }

// drop forgets the n oldest bytes.
func (q *queue) drop(n int) {
	q.head += n
	if q.head >= len(q.buf) {
		q.head -= len(q.buf)
	}
	q.n -= n
	if q.n == 0 {
		q.head = 0
	}
}

// truncate forgets all but the n oldest bytes.
func (q *queue) truncate(n int) {
	if q.n > n {
		q.n = n
	}
	if q.n == 0 {
		q.head = 0
	}
}

func (q *queue) reserve(n int) {
	if q.n+n <= len(q.buf) {
		return
	}
	size := max(256, 2*len(q.buf))
	for size < q.n+n {
		size *= 2
	}
	size = min(size, q.limit)
	buf := make([]byte, size)
	c := copy(buf, q.front())
	copy(buf[c:], q.buf[:q.n-c])
	q.buf, q.head = buf, 0
}
