package vfs

import (
	"fmt"
	"hash/fnv"
	"os"
	"path"
	"path/filepath"
	"sync"

	"github.com/sbxrun/sbx/abi/linux"
)

// hostCacheInodes bounds how many inodes of a host bind are remembered without being pinned.
const hostCacheInodes = 1 << 15

// HostFS is a folder or a file of the host as a Super. All access goes through one os.Root, so no name and no link,
// whoever makes it and whenever, leads out of the folder. Device inodes show their numbers, but the kernel opens its own
// devices for them, never the host's; FIFOs and sockets of the host can be seen and removed and not opened.
//
// Ownership: to a guest, files of the user that runs sbx belong to root, all others to nobody (65534); when sbx
// runs as root, numbers are the host's own. What os.Root can't do is EOPNOTSUPP: extended attributes, O_TMPFILE, making
// FIFOs, sockets and devices, times of symbolic links.
type HostFS struct {
	root     *os.Root
	readOnly bool
	dev      uint64
	top      *hostNode

	mu     sync.Mutex
	next   Ino
	fresh  hostGen // inodes looked up since the last turn
	stale  hostGen // and before it: dropped at the next turn unless used or pinned
	pinned map[Ino]*hostNode
}

// hostGen is one generation of remembered inodes, found by number and by identity.
type hostGen struct {
	byIno map[Ino]*hostNode
	byID  map[hostID]*hostNode
}

// hostID is what makes two names the same file: the host's device and inode number where it has them, else the path.
type hostID struct {
	dev, ino uint64
	path     string
}

// hostNode is one inode. Its place is where it was seen last; HostFS.mu guards it.
type hostNode struct {
	ino    Ino
	id     hostID
	parent *hostNode
	name   string
	refs   int
	open   []*os.File // handles that still answer Getattr after the last unlink
}

// HostBind opens a folder or a regular file of the host for mounting. Errors are of the host (*fs.PathError).
// Close the result when nothing is mounted from it any more.
func HostBind(name string, readOnly bool) (*HostFS, error) {
	abs, err := filepath.Abs(name)
	if err != nil {
		return nil, fmt.Errorf("bind %s: %w", name, err)
	}
	info, err := os.Stat(abs)
	if err != nil {
		return nil, err
	}
	dir, leaf := abs, "."
	if !info.IsDir() {
		if !info.Mode().IsRegular() {
			return nil, fmt.Errorf("bind %s: %w: neither a folder nor a regular file", name, linux.EINVAL)
		}
		if abs, err = filepath.EvalSymlinks(abs); err != nil {
			return nil, err
		}
		dir, leaf = filepath.Dir(abs), filepath.Base(abs)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	h := fnv.New32a()
	h.Write([]byte(abs))
	top := &hostNode{ino: 1, name: leaf, refs: 1}
	return &HostFS{
		root: root, readOnly: readOnly, dev: linux.Makedev(0, 0x10000|h.Sum32()&0xffff), top: top, next: 2,
		fresh: newHostGen(), stale: newHostGen(), pinned: map[Ino]*hostNode{1: top},
	}, nil
}

func newHostGen() hostGen {
	return hostGen{byIno: map[Ino]*hostNode{}, byID: map[hostID]*hostNode{}}
}

// Close gives the host folder back. Handles that are open stay usable until they are closed.
func (h *HostFS) Close() error { return h.root.Close() }

// Type is "9p", what containers on other systems see where a host folder is shared.
func (h *HostFS) Type() string { return "9p" }

// Dev returns the device number, the same for the same host path.
func (h *HostFS) Dev() uint64 { return h.dev }

// Root returns the bound folder or file.
func (h *HostFS) Root() Ino { return h.top.ino }

// node finds a remembered inode and keeps it for another turn; ESTALE when it was forgotten.
func (h *HostFS) node(ino Ino) (*hostNode, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.nodeLocked(ino)
}

func (h *HostFS) nodeLocked(ino Ino) (*hostNode, error) {
	if n := h.pinned[ino]; n != nil {
		return n, nil
	}
	if n := h.fresh.byIno[ino]; n != nil {
		return n, nil
	}
	if n := h.stale.byIno[ino]; n != nil {
		h.remember(n)
		return n, nil
	}
	return nil, linux.ESTALE
}

// remember puts n into the fresh generation, turning when that is full.
func (h *HostFS) remember(n *hostNode) {
	if len(h.fresh.byIno) >= hostCacheInodes {
		h.stale, h.fresh = h.fresh, newHostGen()
		for _, p := range h.pinned {
			h.fresh.byIno[p.ino], h.fresh.byID[p.id] = p, p
		}
	}
	h.fresh.byIno[n.ino], h.fresh.byID[n.id] = n, n
}

// at returns the inode that has an identity, and notes where it was seen.
func (h *HostFS) at(parent *hostNode, name string, id hostID) *hostNode {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := h.fresh.byID[id]
	if n == nil {
		n = h.stale.byID[id]
	}
	if n == nil {
		n = &hostNode{ino: h.next, id: id}
		h.next++
	}
	n.parent, n.name = parent, name
	h.remember(n)
	return n
}

// forget drops an identity whose file is gone, so that the host may use its number again for another file.
func (h *HostFS) forget(id hostID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.fresh.byID, id)
	delete(h.stale.byID, id)
}

// path returns n's place below the root, for os.Root.
func (h *HostFS) path(n *hostNode) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := n.name
	for up := n.parent; up != nil && up != h.top; up = up.parent {
		p = path.Join(up.name, p)
	}
	return p
}

// child checks a name and returns the directory and the child's path for os.Root.
func (h *HostFS) child(dir Ino, name string) (*hostNode, string, error) {
	d, err := h.node(dir)
	if err != nil {
		return nil, "", err
	}
	if d == h.top && d.name != "." {
		return nil, "", linux.ENOTDIR
	}
	if err := hostName(name); err != nil {
		return nil, "", err
	}
	return d, path.Join(h.path(d), name), nil
}

// Ref pins an inode.
func (h *HostFS) Ref(ino Ino) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n, err := h.nodeLocked(ino); err == nil {
		n.refs++
		h.pinned[ino] = n
	}
}

// Unref drops a pin.
func (h *HostFS) Unref(ino Ino) {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := h.pinned[ino]
	if n == nil {
		return
	}
	if n.refs--; n.refs == 0 {
		delete(h.pinned, ino)
	}
}
