package seccomp

import (
	"encoding/binary"
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
)

// decode makes a program of bytes, as seccomp(2) reads one.
func decode(b []byte) []Insn {
	var code []Insn
	for ; len(b) >= 8 && len(code) < MaxInsns; b = b[8:] {
		code = append(code, Insn{binary.LittleEndian.Uint16(b), b[2], b[3], binary.LittleEndian.Uint32(b[4:])})
	}
	return code
}

// TestSeveral: the answer that allows least counts, of equal ones the newest.
func TestSeveral(t *testing.T) {
	var f *Filter
	for _, c := range []struct{ add, want uint32 }{
		{linux.SECCOMP_RET_ALLOW | 5, linux.SECCOMP_RET_ALLOW},
		{linux.SECCOMP_RET_LOG, linux.SECCOMP_RET_LOG},
		{linux.SECCOMP_RET_ERRNO | 1, linux.SECCOMP_RET_ERRNO | 1},
		{linux.SECCOMP_RET_ERRNO | 2, linux.SECCOMP_RET_ERRNO | 2},
		{linux.SECCOMP_RET_TRACE, linux.SECCOMP_RET_ERRNO | 2},
		{linux.SECCOMP_RET_KILL_THREAD, linux.SECCOMP_RET_KILL_THREAD},
		{linux.SECCOMP_RET_KILL_PROCESS, linux.SECCOMP_RET_KILL_PROCESS},
		{linux.SECCOMP_RET_TRAP, linux.SECCOMP_RET_KILL_PROCESS},
	} {
		old := f
		var err error
		if f, err = New(f, []Insn{{Code: retK, K: c.add}}); err != nil {
			t.Fatal(err)
		}
		if got := f.Run(&Data{}); got != c.want {
			t.Errorf("after %#x: %#x, want %#x", c.add, got, c.want)
		}
		if !f.Has(old) || old.Has(f) {
			t.Errorf("after %#x: which has which is wrong", c.add)
		}
	}
	if f.Depth() != 8 || (*Filter)(nil).Depth() != 0 {
		t.Error("depth", f.Depth())
	}
}

// FuzzFilter: whatever is accepted runs to an end within its own length.
func FuzzFilter(f *testing.F) {
	f.Add([]byte("\x20\x00\x00\x00\x00\x00\x00\x00\x15\x00\x00\x01\x3b\x00\x00\x00\x06\x00\x00\x00\x01\x00\x05\x00\x06\x00\x00\x00\x00\x00\xff\x7f"))
	f.Add([]byte("\x02\x00\x00\x00\x03\x00\x00\x00\x60\x00\x00\x00\x03\x00\x00\x00\x3c\x00\x00\x00\x00\x00\x00\x00\x16\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := New(nil, decode(b))
		if err != nil {
			if err != linux.EINVAL && err != linux.ENOMEM {
				t.Fatal(err)
			}
			return
		}
		p.Run(&Data{NR: 59, Arch: linux.AUDIT_ARCH_X86_64, IP: 1 << 40, Args: [6]uint64{1, 2, 3, 4, 5, 6}})
	})
}
