package mm

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/cpu/memory"
)

// Flags of mremap(2).
const (
	RemapMaymove   = 1
	RemapFixed     = 2
	remapDontunmap = 4
)

// Mremap is mremap(2).
func (s *Space) Mremap(old, oldLen, newLen uint64, flags int, to uint64) (uint64, error) {
	if flags&^(RemapMaymove|RemapFixed|remapDontunmap) != 0 || flags&RemapFixed != 0 && flags&RemapMaymove == 0 ||
		old%pageSize != 0 || newLen == 0 || flags&remapDontunmap != 0 {
		return 0, linux.EINVAL
	}
	if oldLen > memory.Size || newLen > memory.Size || old > memory.Size {
		return 0, linux.ENOMEM
	}
	oldLen, newLen = memory.PageUp(oldLen), memory.PageUp(newLen)
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.at(old)
	if a == nil || oldLen > 0 && !s.covered(old, old+oldLen) {
		return 0, linux.EFAULT
	}
	if oldLen == 0 {
		return 0, linux.EINVAL // the duplicate of a shared map: nobody asks for it any more
	}
	if flags&RemapFixed != 0 {
		start, end, err := pageRange(to, newLen)
		if err != nil || start < old+oldLen && old < end {
			return 0, linux.EINVAL
		}
		if err := s.unmap(start, end); err != nil {
			return 0, err
		}
		return s.move(old, oldLen, start, newLen)
	}
	if newLen <= oldLen {
		if newLen < oldLen {
			return old, s.unmap(old+newLen, old+oldLen)
		}
		return old, nil
	}
	if i := s.search(old + oldLen); old+newLen <= memory.Size && a.end >= old+oldLen && (i == len(s.areas) || s.areas[i].start >= old+newLen) {
		return old, s.grow(old, oldLen, newLen)
	}
	if flags&RemapMaymove == 0 {
		return 0, linux.ENOMEM
	}
	at, err := s.choose(0, newLen, a.prot, 0)
	if err != nil {
		return 0, err
	}
	return s.move(old, oldLen, at, newLen)
}

// grow adds pages behind a map, made of what it is made of.
func (s *Space) grow(old, oldLen, newLen uint64) error {
	last := s.at(old + oldLen - 1)
	more := &area{start: old + oldLen, end: old + newLen, prot: last.prot, src: last.src, obj: last.obj.ref(), charged: last.charged, beyond: last.beyond}
	d := int64(more.start - last.start)
	if more.off = last.off + d; more.src.File != nil {
		more.src.Offset += d
	}
	if more.src.File != nil {
		// A file's further pages: ours hold only what was mapped.
		if fi, err := more.src.File.Stat(); last.obj == nil || last.obj.file == nil && !last.obj.shared || err != nil || fi.Size() < more.src.Offset+int64(more.end-more.start) {
			more.beyond, more.src = true, memory.Source{}
		}
	}
	if more.charged {
		if err := s.pay(int64(newLen - oldLen)); err != nil {
			more.obj.unref()
			return err
		}
	}
	return s.changeCode(more.start, more.end, func() error { return s.install(more.start, more.end, []*area{more}) })
}

// move moves a map to a hole, and makes it longer or shorter.
func (s *Space) move(old, oldLen, to, newLen uint64) (uint64, error) {
	keep := min(oldLen, newLen)
	if newLen < oldLen {
		if err := s.unmap(old+newLen, old+oldLen); err != nil {
			return 0, err
		}
	}
	err := s.changeCode(old, old+keep, func() error {
		parts := s.cut(old, old+keep)
		var err error
		for _, a := range parts {
			if !a.beyond {
				if e := s.window.Move(a.start, to+a.start-old, a.end-a.start); e != nil {
					err = linux.ENOMEM
				}
			}
			a.start, a.end = to+a.start-old, to+a.end-old
			s.put(a)
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	if newLen > keep {
		return to, s.grow(to, keep, newLen)
	}
	return to, nil
}
