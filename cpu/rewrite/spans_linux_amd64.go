package rewrite

import "slices"

// spans are free ranges of something, in order and apart from each other.
type spans []span

type span struct{ at, n uint64 }

// take returns the first range of n that is free.
func (s *spans) take(n uint64) (at uint64, ok bool) {
	for i := range *s {
		f := &(*s)[i]
		if f.n < n {
			continue
		}
		at = f.at
		if f.at, f.n = f.at+n, f.n-n; f.n == 0 {
			*s = slices.Delete(*s, i, i+1)
		}
		return at, true
	}
	return 0, false
}

// free gives a range back.
func (s *spans) free(at, n uint64) {
	i, _ := slices.BinarySearchFunc(*s, at, func(f span, at uint64) int {
		if f.at < at {
			return -1
		}
		return 1
	})
	*s = slices.Insert(*s, i, span{at, n})
	if next := i + 1; next < len(*s) && at+n == (*s)[next].at {
		(*s)[i].n += (*s)[next].n
		*s = slices.Delete(*s, next, next+1)
	}
	if i > 0 && (*s)[i-1].at+(*s)[i-1].n == at {
		(*s)[i-1].n += (*s)[i].n
		*s = slices.Delete(*s, i, i+1)
	}
}
