package vfs

import "maps"

// Fork returns a snapshot that goes its own way from here on. It takes the same
// time however much was written: both sides share everything and copy what they
// change. Only what was stored to mapped files since the last fork is copied at
// once. Handles, pins and mappings stay with fs. Both must be closed.
func (fs *FS) Fork() *FS {
	// Who stores to mapped files asks again after this, and waits for the end of it.
	for range 3 {
		if !fs.cleanMaps() {
			break
		}
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	c := &FS{ix: fs.ix, nlower: fs.nlower, content: fs.content, seed: fs.seed, fam: fs.fam,
		lower: fs.lower, upper: fs.upper, next: fs.next, used: fs.used, inodes: fs.inodes,
		orphans: maps.Clone(fs.orphans), opts: fs.opts, closed: fs.closed}
	c.ix.retain()
	c.dev.Store(fs.opts.Dev)
	fs.epoch, c.epoch = fs.fam.epochs.Add(1), fs.fam.epochs.Add(1)
	for ino := range c.orphans { // nobody has them open there
		c.destroy(ino)
	}
	clear(c.orphans)
	c.gen = fs.gen
	if fs.forkMaps(c) {
		fs.gen++ // somebody stores without asking
	}
	return c
}

// Generation tells whether the tree changed since it was forked: a fork has the
// number of its origin, which counts on with the first change of any inode after
// that. It says nothing about changes between two calls without a fork.
func (fs *FS) Generation() uint64 {
	fs.mu.RLock()
	defer fs.mu.RUnlock()
	return fs.gen
}
