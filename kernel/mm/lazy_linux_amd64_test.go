package mm_test

import (
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel/mm"
)

const (
	anon      = mm.MapPrivate | mm.MapAnonymous
	noreserve = anon | mm.MapNoreserve
	part      = 256 << 10
)

// TestTouchedMemoryIsCharged follows what is charged, and what is noted for later, of a large map.
func TestTouchedMemoryIsCharged(t *testing.T) {
	acc := &account{limited: true}
	s := newSpace(t, acc)
	is := func(what string, own, later int64) {
		t.Helper()
		if acc.own != own*part || acc.later != later*part {
			t.Errorf("%s: %d parts charged and %d for later, want %d and %d", what, acc.own/part, acc.later/part, own, later)
		}
	}
	const at = 0x9000_0000
	mapped := func(n, prot, flags int) {
		t.Helper()
		if _, err := s.Mmap(at, uint64(n*part), prot, flags|mm.MapFixed, nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	mapped(40, mm.ProtRead|mm.ProtWrite, anon)
	is("mapped", 0, 40)
	if err := s.Write(at+part-2, []byte("over the border")); err != nil {
		t.Error(err)
	}
	is("two parts written", 2, 38)
	if v, err := s.Load32(at + 20*part); v != 0 || err != nil {
		t.Errorf("%d %v", v, err)
	}
	if str, err := s.String(at+30*part-1, 10); str != "" || err != nil {
		t.Errorf("%q %v", str, err)
	}
	is("two parts read", 4, 36)
	if retry, _, _ := s.Fault(at+39*part+5, mm.ProtWrite); !retry {
		t.Error("a fault is one")
	}
	is("one faulted", 5, 35)
	if r := s.Regions(); len(r) != 1 || r[0].End-r[0].Start != 40*part {
		t.Errorf("it shows as %v", r)
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	check(s.Mprotect(at, 10*part, mm.ProtRead))
	is("a quarter is only read", 5, 27)
	check(s.Mprotect(at, 10*part, mm.ProtRead|mm.ProtWrite))
	is("and is written", 5, 35)
	check(s.Mprotect(at+10*part, 2*part, mm.ProtRead|mm.ProtWrite|mm.ProtExec))
	is("code", 7, 33)
	check(s.Write(at+20*part, []byte("gone soon")))
	check(s.Madvise(at+20*part, part, 4)) // MADV_DONTNEED
	is("a part was let go", 6, 34)
	if v, err := s.Load32(at + 20*part); v != 0 || err != nil {
		t.Errorf("what was let go reads as %d %v", v, err)
	}
	is("and is touched again", 7, 33)
	other := &account{limited: true}
	c, err := s.Fork(other)
	if err != nil {
		t.Fatal(err)
	}
	if other.own != 7*part || other.later != 33*part {
		t.Errorf("forked: %+v", *other)
	}
	c.Unref()
	_, err = s.Mremap(at+38*part, 2*part, 10*part, mm.RemapMaymove, 0)
	check(err)
	is("the end is longer, elsewhere", 7, 41)
	check(s.Munmap(at, 20*part))
	mapped(3, mm.ProtRead|mm.ProtWrite, anon)
	mapped(1, mm.ProtRead|mm.ProtWrite, noreserve)
	mapped(1, mm.ProtRead|mm.ProtWrite|mm.ProtExec, noreserve)
	s.Unref()
	is("gone", 0, 0)
}

// TestNoMemoryToTouch: where there is none left, somebody has to go before the access is tried again.
func TestNoMemoryToTouch(t *testing.T) {
	acc := &account{limited: true, most: 2 * part}
	s := newSpace(t, acc)
	defer s.Unref()
	at, err := s.Mmap(0, 100*part, mm.ProtRead|mm.ProtWrite, noreserve, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	if n := s.WriteSome(at, make([]byte, 3*part)); n != 3*part || acc.held != 1 {
		t.Errorf("%d bytes written, asked %d times for room", n, acc.held)
	}
	if n := s.WriteSome(at+3*part, make([]byte, 9*part)); n != part || acc.held != 2 {
		t.Errorf("%d bytes written, asked %d times for room", n, acc.held)
	}
	if _, err := s.Load32(at + 50*part); err != nil { // there is room for eight by now
		t.Error(err)
	}
	acc.most = acc.own
	if _, err := s.Load32(at + 60*part); err != linux.EFAULT {
		t.Errorf("without room: %v", err)
	}
}
