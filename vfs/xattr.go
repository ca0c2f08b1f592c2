package vfs

import (
	"maps"
	"slices"
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
)

// xattrMax bounds the names and values of one inode, in bytes.
const xattrMax = 128 << 10

const xattrCapability = "security.capability"

// Getxattr implements Super. ENODATA when the attribute is not there.
func (fs *FS) Getxattr(ino Ino, name string) ([]byte, error) {
	fs.mu.RLock()
	defer fs.mu.RUnlock()
	m, err := fs.xattrsOf(ino)
	if err != nil {
		return nil, err
	}
	v, ok := m[name]
	if !ok {
		return nil, linux.ENODATA
	}
	return []byte(v), nil
}

// Listxattr implements Super. The names are in order.
func (fs *FS) Listxattr(ino Ino) ([]string, error) {
	fs.mu.RLock()
	defer fs.mu.RUnlock()
	m, err := fs.xattrsOf(ino)
	return sortedKeys(m), err
}

// Setxattr implements Super, with XATTR_CREATE and XATTR_REPLACE.
func (fs *FS) Setxattr(ino Ino, name string, v []byte, flags int) error {
	if err := checkSetxattr(name, v, flags); err != nil {
		return err
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	old, err := fs.xattrsOf(ino)
	if err != nil {
		return err
	}
	_, there := old[name]
	if there && flags&linux.XATTR_CREATE != 0 {
		return linux.EEXIST
	}
	if !there && flags&linux.XATTR_REPLACE != 0 {
		return linux.ENODATA
	}
	m := make(map[string]string, len(old)+1)
	maps.Copy(m, old)
	m[strings.Clone(name)] = string(v)
	return fs.replaceXattrs(ino, m)
}

// Removexattr implements Super.
func (fs *FS) Removexattr(ino Ino, name string) error {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	old, err := fs.xattrsOf(ino)
	if err != nil {
		return err
	}
	if _, ok := old[name]; !ok {
		return linux.ENODATA
	}
	return fs.replaceXattrs(ino, without(old, name))
}

func (fs *FS) replaceXattrs(ino Ino, m map[string]string) error {
	n, err := fs.own(ino)
	if err != nil {
		return err
	}
	if err := fs.setXattrs(n, m); err != nil {
		return err
	}
	n.ctime = fs.now()
	return nil
}

func (fs *FS) setXattrs(n *node, m map[string]string) error {
	size := xattrBytes(m)
	if size > xattrMax {
		return linux.ENOSPC
	}
	if err := fs.charge(size - xattrBytes(n.xattrs)); err != nil {
		return err
	}
	n.xattrs = m
	return nil
}

// xattrsOf returns the attributes of an inode; the map must not be changed.
func (fs *FS) xattrsOf(ino Ino) (map[string]string, error) {
	n, r, err := fs.find(ino)
	if err != nil {
		return nil, err
	}
	if n != nil {
		return n.xattrs, nil
	}
	m, _ := fs.ix.decodeExtra(r)
	return m, nil
}

func xattrBytes(m map[string]string) (n int64) {
	for k, v := range m {
		n += int64(len(k) + len(v) + 32)
	}
	return n
}

func without(m map[string]string, name string) map[string]string {
	if len(m) == 1 {
		return nil
	}
	c := maps.Clone(m)
	delete(c, name)
	return c
}

func sortedKeys(m map[string]string) []string {
	return slices.Sorted(maps.Keys(m))
}
