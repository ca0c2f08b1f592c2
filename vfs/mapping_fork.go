package vfs

// cleanMaps makes whoever stored to a mapped file ask again, and reports whether
// anybody did.
func (fs *FS) cleanMaps() bool {
	var maps []*Mapping
	fs.mu.Lock()
	if len(fs.maps) == 0 {
		fs.mu.Unlock()
		return false
	}
	for _, im := range fs.maps {
		if im.dirty == 0 {
			continue
		}
		for i, u := range im.chunks {
			u.dirty = false
			im.chunks[i] = u
		}
		im.dirty = 0
		for m := range im.maps {
			maps = append(maps, m)
		}
	}
	fs.mu.Unlock()
	for _, m := range maps {
		if m.clean != nil {
			m.clean()
		}
	}
	return len(maps) > 0
}

// forkMaps gives a fork bytes of its own for what is stored. What nobody may store to
// without asking is from now on as it is in the fork, and not stored any more. It
// reports whether there is something else.
func (fs *FS) forkMaps(c *FS) (dirty bool) {
	for ino, im := range fs.maps {
		dirty = dirty || im.dirty > 0
		var mine, theirs *fileBody
		for i, u := range im.chunks {
			if !fs.stored(ino, i) {
				continue
			}
			if mine == nil {
				if n := c.get(ino); n == nil || n.dead() {
					break // it had no name, and the fork does not have it
				}
				mine, theirs = fs.quietBody(ino), c.quietBody(ino)
			}
			before := mine.pages
			d := fs.copyStored(mine, im, i)
			theirs.setChunk(c.epoch, i, d)
			theirs.pages += mine.pages - before
			if u.dirty {
				mine.pages = before
				continue
			}
			mine.setChunk(fs.epoch, i, d)
		}
	}
	return dirty
}
