package mm

// Region is an area as /proc/PID/maps shows it.
type Region struct {
	Start, End uint64
	Prot       int
	Shared     bool
	Offset     int64
	Dev, Ino   uint64
	Name       string
}

// Regions lists the areas in the order of addresses.
func (s *Space) Regions() []Region {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Region, 0, len(s.areas))
	for i, a := range s.areas {
		r := Region{Start: a.start, End: a.end, Prot: a.prot}
		if o := a.obj; o != nil {
			r.Shared, r.Dev, r.Ino, r.Name = o.shared, o.dev, o.ino, o.Name
			if o.ino != 0 || o.segment != nil {
				r.Offset = a.off
			}
		}
		// A file is several areas, by where its bytes are, and so is memory that was touched in part; it shows as one.
		if n := len(list); n > 0 && (a.obj != nil && a.obj.segment == nil || a.obj == nil && a.parts(s.areas[i-1])) && list[n-1].End == r.Start && list[n-1].Prot == r.Prot && list[n-1].Name == r.Name &&
			list[n-1].Ino == r.Ino && list[n-1].Dev == r.Dev && (r.Ino == 0 || list[n-1].Offset+int64(list[n-1].End-list[n-1].Start) == r.Offset) {
			list[n-1].End = r.End
			continue
		}
		list = append(list, r)
	}
	return list
}
