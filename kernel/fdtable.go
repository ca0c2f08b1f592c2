package kernel

import (
	"sync"

	"github.com/sbxrun/sbx/abi/linux"
)

// maxFD bounds descriptor numbers whatever RLIMIT_NOFILE says.
const maxFD = 1 << 20

// fdChunk is how many descriptors a piece of the table holds: a high number
// costs a few kilobytes and not a table of that length.
const fdChunk = 64

// slot is one descriptor.
type slot struct {
	f       *File
	cloexec bool
}

// fdTable maps descriptors to open file descriptions. CLONE_FILES shares it.
type fdTable struct {
	mu     sync.Mutex
	users  int
	chunks []*[fdChunk]slot
	low    int // no descriptor below is free
}

func newFDTable() *fdTable { return &fdTable{users: 1} }

// at returns the slot of fd, nil when there is none yet.
func (d *fdTable) at(fd int) *slot {
	if fd < 0 || fd/fdChunk >= len(d.chunks) || d.chunks[fd/fdChunk] == nil {
		return nil
	}
	return &d.chunks[fd/fdChunk][fd%fdChunk]
}

// grow returns the slot of fd and makes it when it is not there.
func (d *fdTable) grow(fd int) *slot {
	for fd/fdChunk >= len(d.chunks) {
		d.chunks = append(d.chunks, nil)
	}
	if d.chunks[fd/fdChunk] == nil {
		d.chunks[fd/fdChunk] = new([fdChunk]slot)
	}
	return d.at(fd)
}

// get returns the file of fd with a reference, which the caller drops.
func (d *fdTable) get(fd int) (*File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.at(fd)
	if s == nil || s.f == nil {
		return nil, linux.EBADF
	}
	s.f.refs.Add(1)
	return s.f, nil
}

// install puts f at the lowest free descriptor from min on, and takes over the
// caller's reference. EMFILE when limit is reached.
func (d *fdTable) install(f *File, min, limit int, cloexec bool) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	fd := max(min, d.low)
	limit = limitFD(limit)
	for ; fd < limit; fd++ {
		if s := d.at(fd); s == nil || s.f == nil {
			break
		}
	}
	if fd >= limit {
		return -1, linux.EMFILE
	}
	if min <= d.low {
		d.low = fd + 1
	}
	*d.grow(fd) = slot{f, cloexec}
	return fd, nil
}

func limitFD(limit int) int {
	if limit < 0 || limit > maxFD {
		return maxFD
	}
	return limit
}

// set puts f at fd, takes over the caller's reference, and returns what was
// there, for the caller to close.
func (d *fdTable) set(fd int, f *File, cloexec bool) (old *File) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.grow(fd)
	old = s.f
	*s = slot{f, cloexec}
	return old
}

// take removes a descriptor and returns its file with its reference.
func (d *fdTable) take(fd int) (*File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.at(fd)
	if s == nil || s.f == nil {
		return nil, linux.EBADF
	}
	f := s.f
	*s = slot{}
	d.low = min(d.low, fd)
	return f, nil
}

// takeAll empties the table: of everything, or of what is close-on-exec.
func (d *fdTable) takeAll(onlyCloexec bool) []*File {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []*File
	for c, chunk := range d.chunks {
		if chunk == nil {
			continue
		}
		for i := range chunk {
			if s := &chunk[i]; s.f != nil && (s.cloexec || !onlyCloexec) {
				out = append(out, s.f)
				*s = slot{}
				d.low = min(d.low, c*fdChunk+i)
			}
		}
	}
	return out
}

// copy returns a table of its own with the same descriptions.
func (d *fdTable) copy() *fdTable {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := &fdTable{users: 1, low: d.low, chunks: make([]*[fdChunk]slot, len(d.chunks))}
	for i, chunk := range d.chunks {
		if chunk == nil {
			continue
		}
		c := *chunk
		for j := range c {
			if c[j].f != nil {
				c[j].f.refs.Add(1)
			}
		}
		n.chunks[i] = &c
	}
	return n
}

// list returns the open descriptors in order.
func (d *fdTable) list() []int {
	d.mu.Lock()
	defer d.mu.Unlock()
	var fds []int
	for c, chunk := range d.chunks {
		if chunk == nil {
			continue
		}
		for i := range chunk {
			if chunk[i].f != nil {
				fds = append(fds, c*fdChunk+i)
			}
		}
	}
	return fds
}

// GetFile returns the file of a descriptor with a reference of the caller's,
// to be given back with File.Close.
func (t *Task) GetFile(fd int) (*File, error) { return t.files.get(fd) }

// InstallFile puts a file at the lowest free descriptor. The table takes its own
// reference.
func (t *Task) InstallFile(f *File, cloexec bool) (int, error) {
	f.refs.Add(1)
	fd, err := t.install(f, 0, cloexec)
	return fd, err
}

// install puts f into the table; on failure the reference is dropped.
func (t *Task) install(f *File, min int, cloexec bool) (int, error) {
	fd, err := t.files.install(f, min, t.nofile(), cloexec)
	if err != nil {
		f.decref(t)
	}
	return fd, err
}

// Fds returns the open descriptors in order.
func (t *Task) Fds() []int { return t.files.list() }

// Close is close(2). The descriptor is gone even when an error is returned.
func (t *Task) Close(fd int) error {
	f, err := t.files.take(fd)
	if err != nil {
		return err
	}
	t.dropped(f)
	return nil
}

// CloseRange is close_range(2), or marks the range close-on-exec.
func (t *Task) CloseRange(first, last int, cloexec bool) error {
	if first < 0 || last < first {
		return linux.EINVAL
	}
	for _, fd := range t.files.list() {
		if fd < first || fd > last {
			continue
		}
		if cloexec {
			_ = t.SetFdFlags(fd, linux.FD_CLOEXEC)
		} else {
			_ = t.Close(fd)
		}
	}
	return nil
}

// Dup is dup(2).
func (t *Task) Dup(fd int) (int, error) { return t.DupFrom(fd, 0, false) }

// DupFrom is F_DUPFD and F_DUPFD_CLOEXEC: the lowest descriptor from min on.
func (t *Task) DupFrom(fd, min int, cloexec bool) (int, error) {
	f, err := t.files.get(fd)
	if err != nil {
		return -1, err
	}
	if min < 0 || min >= limitFD(t.nofile()) {
		f.decref(t)
		return -1, linux.EINVAL
	}
	return t.install(f, min, cloexec)
}

// Dup2 is dup2(2).
func (t *Task) Dup2(old, new int) (int, error) {
	if old == new {
		f, err := t.files.get(old)
		if err != nil {
			return -1, err
		}
		f.decref(t)
		return new, nil
	}
	return t.Dup3(old, new, 0)
}

// Dup3 is dup3(2); flags is 0 or O_CLOEXEC.
func (t *Task) Dup3(old, new, flags int) (int, error) {
	if old == new || flags&^linux.O_CLOEXEC != 0 {
		return -1, linux.EINVAL
	}
	if new < 0 || new >= limitFD(t.nofile()) {
		return -1, linux.EBADF
	}
	f, err := t.files.get(old)
	if err != nil {
		return -1, err
	}
	if was := t.files.set(new, f, flags&linux.O_CLOEXEC != 0); was != nil {
		t.dropped(was)
	}
	return new, nil
}

// FdFlags is F_GETFD: FD_CLOEXEC or 0.
func (t *Task) FdFlags(fd int) (int, error) {
	t.files.mu.Lock()
	defer t.files.mu.Unlock()
	s := t.files.at(fd)
	if s == nil || s.f == nil {
		return 0, linux.EBADF
	}
	if s.cloexec {
		return linux.FD_CLOEXEC, nil
	}
	return 0, nil
}

// SetFdFlags is F_SETFD.
func (t *Task) SetFdFlags(fd, flags int) error {
	t.files.mu.Lock()
	defer t.files.mu.Unlock()
	s := t.files.at(fd)
	if s == nil || s.f == nil {
		return linux.EBADF
	}
	s.cloexec = flags&linux.FD_CLOEXEC != 0
	return nil
}
