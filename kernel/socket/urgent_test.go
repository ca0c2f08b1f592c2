package socket

import "testing"

// TestUrgentMarks: each mark ends a read, however many bytes there are; beyond the most that are kept the newest stays.
func TestUrgentMarks(t *testing.T) {
	var m urgentMarks
	m.add(3)
	m.add(4)
	m.add(9)
	for _, step := range []struct {
		n      int
		urgent bool
	}{{2, false}, {1, true}, {1, true}, {3, false}, {2, true}, {7, false}} {
		if got := m.read(step.n); got != step.urgent {
			t.Errorf("after %d: %v", step.n, got)
		}
	}
	m = urgentMarks{}
	for n := range 3 * maxMarks {
		m.add(n + 1)
	}
	read, marks := 0, 0
	for len(m.gaps) > 0 {
		n := m.gaps[0] + 1
		if read += n; !m.read(n) {
			t.Fatal("no mark where one was said to be")
		}
		marks++
	}
	if read != 3*maxMarks || marks != maxMarks || m.upTo != 0 {
		t.Errorf("%d marks, %d bytes, %d left", marks, read, m.upTo)
	}
}
