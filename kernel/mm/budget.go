package mm

import (
	"bytes"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
)

// Every area, and every hole between areas, is a map of the host's, which has so many
// for the whole process and no more: Go itself ends the process when it gets none.
// So all spaces together may have a third of them, and each half of that.
var areasInUse atomic.Int64

// memories is how many shared memories there are.
var memories atomic.Int64

// freeSharedMemory lets go what newSharedMemory made.
func freeSharedMemory(f *os.File) {
	memories.Add(-1)
	_ = f.Close()
}

var areaBudget = sync.OnceValue(func() int64 {
	const byDefault = 65530
	limit := int64(byDefault)
	if b, err := os.ReadFile("/proc/sys/vm/max_map_count"); err == nil {
		if n, err := strconv.ParseInt(string(bytes.TrimSpace(b)), 10, 64); err == nil && n > 0 {
			limit = n
		}
	}
	return min(limit, 1<<20) / 3
})

// count is called whenever the list of areas has changed by so many.
func (s *Space) count(delta int) { areasInUse.Add(int64(delta)) }

// full reports whether n more areas are too many.
func (s *Space) full(n int) bool {
	budget := areaBudget()
	return int64(len(s.areas)+n) > budget/2 || areasInUse.Load()+int64(n) > budget
}

// splits reports whether a range lies within one area and leaves both of its ends.
func (s *Space) splits(start, end uint64) bool {
	a := s.at(start)
	return a != nil && a.start < start && end < a.end
}
