package vfs

import (
	"math"

	"github.com/sbxrun/sbx/abi/linux"
)

// node is an inode of the upper layer. It belongs to the epoch that made it and
// is copied before another epoch changes it. Its size decides what an entry
// costs: 96 bytes.
type node struct {
	epoch               uint64
	mode, uid, gid      uint32
	nlink               uint32
	size                int64 // of devices: the device number
	atime, mtime, ctime int64 // nanoseconds since 1970
	btime               int64
	xattrs              map[string]string // never changed, only replaced
	body                nodeBody
}

// nodeBody is *dirBody, *fileBody, *linkBody or nil: a directory that was not
// changed or has no entries, a file that was not written or is empty.
type nodeBody interface{ isBody() }

type linkBody struct{ target string }

func (*linkBody) isBody() {}
func (*dirBody) isBody()  {}
func (*fileBody) isBody() {}

// deadNode stands for a lower inode that was removed: it must not come back
// from the index.
func (n *node) dead() bool { return n.nlink == 0 && n.mode == 0 }

func (n *node) typ() uint32 { return n.mode & linux.S_IFMT }

func (n *node) isDir() bool { return n.typ() == linux.S_IFDIR }

func (n *node) dir() *dirBody {
	d, _ := n.body.(*dirBody)
	return d
}

func (n *node) file() *fileBody {
	f, _ := n.body.(*fileBody)
	return f
}

// nanos folds a time into an int64, clamped as Linux clamps to what a file
// system can hold (1677 to 2262).
func (t Timespec) nanos() int64 {
	const lim = math.MaxInt64 / 1_000_000_000
	switch {
	case t.Sec >= lim:
		return (lim-1)*1_000_000_000 + 999_999_999
	case t.Sec <= -lim:
		return -lim * 1_000_000_000
	}
	return t.Sec*1_000_000_000 + int64(t.Nsec%1_000_000_000)
}

func fromNanos(n int64) Timespec {
	s, r := n/1_000_000_000, n%1_000_000_000
	if r < 0 {
		s, r = s-1, r+1_000_000_000
	}
	return Timespec{s, uint32(r)}
}

// get returns the upper node of ino, or nil. The caller holds mu.
func (fs *FS) get(ino Ino) *node {
	if ino <= fs.nlower {
		if fs.lower.height == 0 {
			return nil
		}
		return fs.lower.get(ino)
	}
	return fs.upper.get(ino - fs.nlower)
}

func (fs *FS) put(ino Ino, n *node) {
	fs.gen++
	if ino <= fs.nlower {
		fs.lower.set(fs.epoch, ino, n)
		return
	}
	fs.upper.set(fs.epoch, ino-fs.nlower, n)
}

// find returns the node or else the index record of ino; ENOENT when neither is.
func (fs *FS) find(ino Ino) (*node, inodeRec, error) {
	if n := fs.get(ino); n != nil {
		if n.dead() {
			return nil, nil, linux.ENOENT
		}
		return n, nil, nil
	}
	if ino <= fs.nlower {
		if r := fs.ix.rec(ino); r != nil {
			return nil, r, nil
		}
	}
	return nil, nil, linux.ENOENT
}

// mode returns the mode of ino.
func (fs *FS) mode(ino Ino) (uint32, error) {
	n, r, err := fs.find(ino)
	if err != nil {
		return 0, err
	}
	if n != nil {
		return n.mode, nil
	}
	return r.mode(), nil
}

// own returns the node of ino to change: it is copied up from the index or from
// an older epoch first. The caller holds mu for writing.
func (fs *FS) own(ino Ino) (*node, error) {
	n, r, err := fs.find(ino)
	if err != nil {
		return nil, err
	}
	if n == nil {
		n = fs.copyUp(r)
		fs.put(ino, n)
		return n, nil
	}
	if n.epoch == fs.epoch {
		return n, nil
	}
	c := *n
	c.epoch = fs.epoch
	fs.put(ino, &c)
	return &c, nil
}

// copyUp makes the node of an index record. Content and entries stay below.
func (fs *FS) copyUp(r inodeRec) *node {
	t := Timespec{r.mtimeSec(), r.mtimeNs()}.nanos()
	n := &node{epoch: fs.epoch, mode: r.mode(), uid: r.uid(), gid: r.gid(), nlink: r.nlink(),
		atime: t, mtime: t, ctime: t, btime: t}
	switch n.typ() {
	case linux.S_IFREG:
		n.size = r.size()
	case linux.S_IFCHR, linux.S_IFBLK:
		n.size = int64(r.where())
	case linux.S_IFLNK:
		s, _ := fs.ix.target(r)
		n.size, n.body = int64(len(s)), &linkBody{s}
	}
	n.xattrs, _ = fs.ix.decodeExtra(r)
	return n
}
