package mm

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/cpu/memory"
)

// RemapFilePages is remap_file_pages(2) as Linux has had it since 4.0: pages of a shared
// map show another part of what is mapped.
func (s *Space) RemapFilePages(start, n uint64, prot int, page uint64) error {
	start, n = memory.PageDown(start), memory.PageDown(n)
	if prot != 0 || start+n <= start || page+n/pageSize < page || start+n > memory.Size || page > 1<<40 {
		return linux.EINVAL
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	first := s.at(start)
	if first == nil || first.obj == nil || !first.obj.shared || !s.covered(start, start+n) {
		return linux.EINVAL
	}
	same := true
	s.overlapping(start, start+n, func(a *area, _, _ uint64) { same = same && a.obj == first.obj && a.prot == first.prot })
	if !same {
		return linux.EINVAL
	}
	if s.full(3) {
		return linux.ENOMEM
	}
	list, err := s.otherPart(first, start, n, int64(page)*pageSize)
	if err != nil {
		return err
	}
	return s.changeCode(start, start+n, func() error { return s.install(start, start+n, list) })
}

// otherPart makes the areas of a range that shows a shared object from off on.
func (s *Space) otherPart(like *area, start, n uint64, off int64) ([]*area, error) {
	o := like.obj
	if o.backing != nil {
		return s.fileAreas(o, start, n, like.prot, off)
	}
	have := int64(0) // bytes that there are from off on
	host := like.src.File
	if len(o.host) > 0 {
		host = o.host[0]
		have = min(max(o.held-off, 0), int64(n))
	}
	var list []*area
	if have > 0 {
		list = append(list, &area{start: start, end: start + uint64(have), prot: like.prot, obj: o.ref(), off: off, readOnly: like.readOnly,
			src: memory.Source{File: host, Offset: off, Shared: true}})
	}
	if have < int64(n) {
		list = append(list, &area{start: start + uint64(have), end: start + n, prot: like.prot, obj: o.ref(), off: off + have,
			readOnly: like.readOnly, beyond: true})
	}
	return list, nil
}
