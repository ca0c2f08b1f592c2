package vfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"sync"

	"github.com/sbxrun/sbx/abi/linux"
)

// hostHandle is an open file or folder of the host.
type hostHandle struct {
	h    *HostFS
	n    *hostNode
	f    *os.File
	dir  bool
	once sync.Once

	mu      sync.Mutex // guards what follows
	app     *os.File   // the same file opened for appending, when it was asked for
	entries []DirEntry // the folder as it was when it was read from the start
	scanned bool
}

// Open opens regular files and directories; anything else is ENXIO, and never reaches the host's drivers.
func (h *HostFS) Open(ino Ino, flags int) (Handle, error) {
	n, err := h.node(ino)
	if err != nil {
		return nil, err
	}
	info, err := h.lstat(n)
	if err != nil {
		return nil, err
	}
	mode := os.O_RDONLY
	switch flags & linux.O_ACCMODE {
	case linux.O_WRONLY:
		mode = os.O_WRONLY
	case linux.O_RDWR:
		mode = os.O_RDWR
	}
	switch {
	case info.IsDir() && mode != os.O_RDONLY:
		return nil, linux.EISDIR
	case !info.IsDir() && !info.Mode().IsRegular():
		return nil, linux.ENXIO
	case mode != os.O_RDONLY && h.readOnly:
		return nil, linux.EROFS
	}
	f, err := h.root.OpenFile(h.path(n), mode|hostNoFollow, 0)
	if err != nil {
		return nil, hostErr(err)
	}
	// What was opened is what was looked at, or it is refused: the name may have turned into a FIFO or another file.
	if now, err := f.Stat(); err != nil || now.Mode().Type() != info.Mode().Type() {
		f.Close()
		return nil, linux.ESTALE
	}
	h.mu.Lock()
	n.open = append(n.open, f)
	h.mu.Unlock()
	h.Ref(ino)
	return &hostHandle{h: h, n: n, f: f, dir: info.IsDir()}, nil
}

// HostFile implements HostFiler.
func (d *hostHandle) HostFile() *os.File { return d.f }

// ReadAt reads; 0 and nil at the end.
func (d *hostHandle) ReadAt(p []byte, off int64) (int, error) {
	if d.dir {
		return 0, linux.EISDIR
	}
	n, err := d.f.ReadAt(p, off)
	if n > 0 || errors.Is(err, io.EOF) {
		return n, nil
	}
	return n, hostErr(err)
}

// WriteAt writes.
func (d *hostHandle) WriteAt(p []byte, off int64) (int, error) {
	n, err := d.f.WriteAt(p, off)
	if n > 0 {
		return n, nil
	}
	return n, hostErr(err)
}

// Append writes at the end by the host's own O_APPEND, which holds against other processes of the host too.
func (d *hostHandle) Append(p []byte) (int64, int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.app == nil {
		f, err := d.h.root.OpenFile(d.h.path(d.n), os.O_WRONLY|os.O_APPEND|hostNoFollow, 0)
		if err == nil && !sameOpen(f, d.f) {
			f.Close()
			err = linux.ESTALE
		}
		if err != nil { // unlinked by now: nobody else can append to it but through handles like this one
			return d.appendUnlinked(p)
		}
		d.app = f
	}
	n, err := d.app.Write(p)
	if n == 0 && err != nil {
		return 0, 0, hostErr(err)
	}
	info, err := d.app.Stat()
	if err != nil {
		return 0, n, hostErr(err)
	}
	return info.Size() - int64(n), n, nil
}

func (d *hostHandle) appendUnlinked(p []byte) (int64, int, error) {
	d.h.mu.Lock()
	defer d.h.mu.Unlock()
	info, err := d.f.Stat()
	if err != nil {
		return 0, 0, hostErr(err)
	}
	n, err := d.f.WriteAt(p, info.Size())
	if n > 0 {
		err = nil
	}
	return info.Size(), n, hostErr(err)
}

func sameOpen(a, b *os.File) bool {
	ia, errA := a.Stat()
	ib, errB := b.Stat()
	return errA == nil && errB == nil && os.SameFile(ia, ib)
}

// Allocate is not possible on every host: EOPNOTSUPP, upon which C libraries write zeros.
func (d *hostHandle) Allocate(uint32, int64, int64) error { return linux.EOPNOTSUPP }

// SeekData treats the file as having no holes, which lseek(2) allows.
func (d *hostHandle) SeekData(off int64) (int64, error) { return d.seek(off, off) }

// SeekHole answers the end of the file.
func (d *hostHandle) SeekHole(off int64) (int64, error) { return d.seek(off, -1) }

func (d *hostHandle) seek(off, answer int64) (int64, error) {
	info, err := d.f.Stat()
	if err != nil {
		return 0, hostErr(err)
	}
	if off < 0 || off >= info.Size() {
		return 0, linux.ENXIO
	}
	if answer < 0 {
		answer = info.Size()
	}
	return answer, nil
}

// ReadDir lists the folder as it was when it was last read from the start; the host promises no stable positions.
func (d *hostHandle) ReadDir(cookie uint64, fn func(DirEntry) bool) error {
	if !d.dir {
		return linux.ENOTDIR
	}
	d.mu.Lock()
	if cookie == 0 || !d.scanned {
		if err := d.scan(); err != nil {
			d.mu.Unlock()
			return err
		}
	}
	entries := d.entries
	d.mu.Unlock()
	if cookie > uint64(len(entries)) {
		return nil
	}
	for _, e := range entries[cookie:] {
		if !fn(e) {
			return nil
		}
	}
	return nil
}

func (d *hostHandle) scan() error {
	dir := d.h.path(d.n)
	list, err := d.h.list(dir)
	if err != nil {
		return err
	}
	parent, _, err := d.h.Parent(d.n.ino)
	if err != nil {
		parent = d.n.ino
	}
	d.entries = append(d.entries[:0:0],
		DirEntry{Name: ".", Ino: d.n.ino, Type: linux.DT_DIR, Cookie: 1},
		DirEntry{Name: "..", Ino: parent, Type: linux.DT_DIR, Cookie: 2})
	for _, e := range list {
		if hostName(e.Name()) != nil {
			continue
		}
		info, err := e.Info()
		if err != nil {
			continue // gone meanwhile
		}
		var a Attr
		hostAttr(info, &a)
		n := d.h.at(d.n, e.Name(), identify(info, path.Join(dir, e.Name())))
		d.entries = append(d.entries, DirEntry{Name: e.Name(), Ino: n.ino, Type: linux.DirType(a.Mode), Cookie: uint64(len(d.entries) + 1)})
	}
	d.scanned = true
	return nil
}

// list reads a folder; one that is gone is empty, as an open removed directory is.
func (h *HostFS) list(dir string) ([]fs.DirEntry, error) {
	f, err := h.root.OpenFile(dir, os.O_RDONLY|hostNoFollow, 0)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return nil, hostErr(err)
	}
	defer f.Close()
	list, err := f.ReadDir(-1)
	return list, hostErr(err)
}

// Sync writes the file to the host's disk.
func (d *hostHandle) Sync() error { return hostErr(d.f.Sync()) }

// Close closes. A second call does nothing.
func (d *hostHandle) Close() error {
	var err error
	d.once.Do(func() {
		d.h.mu.Lock()
		d.n.open = slices.DeleteFunc(d.n.open, func(f *os.File) bool { return f == d.f })
		d.h.mu.Unlock()
		d.h.Unref(d.n.ino)
		d.mu.Lock()
		if d.app != nil {
			d.app.Close()
		}
		d.mu.Unlock()
		err = hostErr(d.f.Close())
	})
	return err
}
