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
	if old > memory.Size-pageSize {
		return 0, linux.EFAULT
	}
	if oldLen > memory.Size || newLen > memory.Size {
		return 0, linux.ENOMEM
	}
	oldLen, newLen = memory.PageUp(oldLen), memory.PageUp(newLen)
	s.mu.Lock()
	defer s.mu.Unlock()
	var start, end uint64
	if flags&RemapFixed != 0 {
		var err error
		if start, end, err = pageRange(to, newLen); err != nil || start < old+oldLen && old < end {
			return 0, linux.EINVAL
		}
		if start < minAddr {
			return 0, linux.EPERM
		}
	}
	if s.full(3) {
		return 0, linux.ENOMEM
	}
	a := s.at(old)
	if a == nil || oldLen > 0 && !s.covered(old, old+oldLen) {
		return 0, linux.EFAULT
	}
	if oldLen == 0 {
		return 0, linux.EINVAL // the duplicate of a shared map: nobody asks for it any more
	}
	if flags&RemapFixed != 0 {
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
	start, end := old+oldLen, old+newLen
	if o := last.obj; o != nil && o.backing != nil {
		list, err := s.fileAreas(o, start, end-start, last.prot, last.off+int64(start-last.start))
		if err != nil {
			return err
		}
		return s.changeCode(start, end, func() error { return s.install(start, end, list) })
	}
	more := &area{start: old + oldLen, end: old + newLen, prot: last.prot, src: last.src, obj: last.obj.ref(), blank: last.blank, beyond: last.beyond, readOnly: last.readOnly}
	d := int64(more.start - last.start)
	if more.off = last.off + d; more.src.File != nil {
		more.src.Offset += d
	}
	list := []*area{more}
	if more.src.File != nil {
		// Shared memory goes on to its end.
		have := int64(0)
		if fi, err := more.src.File.Stat(); err == nil {
			have = int64(memory.PageUp(uint64(max(fi.Size()-more.src.Offset, 0))))
		}
		if mid := more.start + uint64(have); have == 0 {
			more.beyond, more.src = true, memory.Source{}
		} else if mid < more.end {
			rest := more.clip(mid, more.end)
			rest.beyond, rest.src = true, memory.Source{}
			more.end = mid
			list = append(list, rest)
		}
	}
	if last.charged || last.lazy {
		if err := s.charge(more, last.lazy); err != nil {
			for _, a := range list {
				a.obj.unref()
			}
			return err
		}
	}
	return s.changeCode(start, end, func() error { return s.install(start, end, list) })
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
