package mm

import (
	"encoding/binary"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/cpu/memory"
)

// Read copies from the guest: EFAULT if not all of it can be read.
func (s *Space) Read(addr uint64, p []byte) error {
	if s.ReadSome(addr, p) < len(p) {
		return linux.EFAULT
	}
	return nil
}

// Write copies to the guest. What lies before the first page that can't be
// written may have been.
func (s *Space) Write(addr uint64, p []byte) error {
	if s.WriteSome(addr, p) < len(p) {
		return linux.EFAULT
	}
	return nil
}

// WriteSome is Write that tells how much it could.
func (s *Space) WriteSome(addr uint64, p []byte) (n int) {
	for {
		t := s.tellings.Load()
		n += s.window.Write(addr+uint64(n), p[n:])
		if n == len(p) || !s.again(addr+uint64(n), t) {
			return n
		}
	}
}

// Writable tells how many of n bytes may be written, so that what can be read only
// once is not read for nobody.
func (s *Space) Writable(addr, n uint64) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := addr
	for i := s.search(addr); i < len(s.areas) && at-addr < n; i++ {
		a := s.areas[i]
		if a.start > at || a.prot&ProtWrite == 0 || a.beyond {
			break
		}
		if at = a.end; a.src.Shared {
			has := max(a.obj.size()-a.off, 0)
			if has = int64(memory.PageUp(uint64(min(has, int64(a.end-a.start))))); has < int64(a.end-a.start) {
				at = max(a.start+uint64(has), addr)
				break
			}
		}
	}
	return min(at-addr, n)
}

// ReadSome is Read that tells how much it could.
func (s *Space) ReadSome(addr uint64, p []byte) (n int) {
	for {
		t := s.tellings.Load()
		n += s.window.Read(addr+uint64(n), p[n:])
		if n == len(p) || !s.readable(addr+uint64(n), t) {
			return n
		}
	}
}

// Zero clears guest memory.
func (s *Space) Zero(addr, n uint64) error {
	for done := uint64(0); ; {
		t := s.tellings.Load()
		done += s.window.Zero(addr+done, n-done)
		if done == n {
			return nil
		}
		if !s.again(addr+done, t) {
			return linux.EFAULT
		}
	}
}

// String reads a string up to its zero byte, of less than max bytes: ENAMETOOLONG
// if it is longer.
func (s *Space) String(addr uint64, max int) (string, error) {
	for {
		t := s.tellings.Load()
		str, full, ok := s.window.String(addr, max)
		switch {
		case ok && !full:
			return str, nil
		case ok:
			return "", linux.ENAMETOOLONG
		case !s.opened(addr, uint64(max), t):
			return "", linux.EFAULT
		}
	}
}

// Uint64 and Uint32 read a word.
func (s *Space) Uint64(addr uint64) (uint64, error) {
	var b [8]byte
	err := s.Read(addr, b[:])
	return binary.LittleEndian.Uint64(b[:]), err
}

// Uint32 reads a word.
func (s *Space) Uint32(addr uint64) (uint32, error) {
	var b [4]byte
	err := s.Read(addr, b[:])
	return binary.LittleEndian.Uint32(b[:]), err
}

// PutUint64 and PutUint32 write a word.
func (s *Space) PutUint64(addr, v uint64) error {
	return s.Write(addr, binary.LittleEndian.AppendUint64(nil, v))
}

// PutUint32 writes a word.
func (s *Space) PutUint32(addr uint64, v uint32) error {
	return s.Write(addr, binary.LittleEndian.AppendUint32(nil, v))
}

// Load32, Store32 and CompareAndSwap32 are what futexes need: atomic, on aligned
// words; EFAULT.
func (s *Space) Load32(addr uint64) (uint32, error) {
	for {
		t := s.tellings.Load()
		if v, ok := s.window.Load32(addr); ok {
			return v, nil
		}
		if !s.readable(addr, t) {
			return 0, linux.EFAULT
		}
	}
}

// Store32 writes a word atomically.
func (s *Space) Store32(addr uint64, v uint32) error {
	for {
		t := s.tellings.Load()
		if s.window.Store32(addr, v) {
			return nil
		}
		if !memory.Inside(addr, 4) || !s.again(addr, t) {
			return linux.EFAULT
		}
	}
}

// CompareAndSwap32 stores next if the word is old, and returns what it was.
func (s *Space) CompareAndSwap32(addr uint64, old, next uint32) (was uint32, err error) {
	for {
		t := s.tellings.Load()
		was, ok := s.window.CompareAndSwap32(addr, old, next)
		if ok {
			return was, nil
		}
		if !memory.Inside(addr, 4) || !s.again(addr, t) {
			return 0, linux.EFAULT
		}
	}
}

// Key names a word for futexes: the same for all who share it.
type Key struct {
	of  any
	off int64
}

// KeyOf returns the key of the word at addr. private says that only this space counts.
func (s *Space) KeyOf(addr uint64, private bool) (Key, error) {
	if addr%4 != 0 {
		return Key{}, linux.EINVAL
	}
	if private {
		return Key{s, int64(addr)}, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.at(addr)
	if a == nil {
		return Key{}, linux.EFAULT
	}
	if a.obj != nil && a.obj.shared {
		return Key{a.obj.key(), a.off + int64(addr-a.start)}, nil
	}
	return Key{s, int64(addr)}, nil
}

// Fault says what a page fault of a guest means: retry when the areas allow the
// access, which another thread just made possible; bus for the end of a file. mapped
// says that something is there (SEGV_ACCERR).
func (s *Space) Fault(addr uint64, need int) (retry, bus, mapped bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.at(addr)
	if a == nil {
		return false, false, false
	}
	allowed := a.prot&need == need || need == ProtRead && a.prot != 0
	if allowed && a.lazy {
		s.settle(addr, 0) // who is ended for want of memory ends before it tries again
		return true, false, true
	}
	if allowed && a.absent {
		err := s.fetch(a, addr)
		return err == nil, err != nil, true
	}
	if allowed && need == ProtWrite && a.waits() {
		if s.tell(a) != nil {
			return false, true, true
		}
	}
	return allowed && !a.beyond, allowed && a.beyond, true
}
