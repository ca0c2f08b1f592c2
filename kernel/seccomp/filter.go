package seccomp

import "github.com/sbxrun/sbx/abi/linux"

const (
	// MaxInsns is how long a program may be, BPF_MAXINSNS.
	MaxInsns = 4096
	// maxPath bounds all filters of a thread together, by the instructions that Linux
	// makes of them, and overhead for each.
	maxPath  = 32768
	prologue = 3
	overhead = 4
	memWords = 16
)

// Insn is struct sock_filter.
type Insn struct {
	Code   uint16
	JT, JF uint8
	K      uint32
}

// Data is struct seccomp_data: what a filter sees.
type Data struct {
	NR   int32
	Arch uint32
	IP   uint64
	Args [6]uint64
}

// words is Data as filters read it, by 32 bits.
type words [16]uint32

const dataSize = 4 * len(words{})

func (d *Data) words() (w words) {
	w[0], w[1], w[2], w[3] = uint32(d.NR), d.Arch, uint32(d.IP), uint32(d.IP>>32)
	for i, a := range d.Args {
		w[4+2*i], w[5+2*i] = uint32(a), uint32(a>>32)
	}
	return w
}

// Filter is a program, and those that were there before it.
type Filter struct {
	prev  *Filter
	code  []Insn
	path  int
	depth int
}

// New adds a program to those of prev, which may be nil: EINVAL for one that is not as
// it must be, ENOMEM when all together are too long.
func New(prev *Filter, code []Insn) (*Filter, error) {
	if len(code) == 0 || len(code) > MaxInsns || !check(code) {
		return nil, linux.EINVAL
	}
	f := &Filter{prev: prev, code: code, path: prologue, depth: 1}
	for _, in := range code {
		f.path += in.length()
	}
	if prev != nil {
		f.path += prev.path + overhead
		f.depth += prev.depth
	}
	if f.path > maxPath {
		return nil, linux.ENOMEM
	}
	return f, nil
}

// Prev is what was there before.
func (f *Filter) Prev() *Filter { return f.prev }

// Len is how many instructions the program itself has.
func (f *Filter) Len() int { return len(f.code) }

// Depth counts the programs; 0 for nil.
func (f *Filter) Depth() int {
	if f == nil {
		return 0
	}
	return f.depth
}

// Has reports whether old is one of the programs, or nil.
func (f *Filter) Has(old *Filter) bool {
	for ; f != nil && f != old; f = f.prev {
	}
	return f == old
}

// Run asks all programs: the answer of the one that allows least, the newest of several.
func (f *Filter) Run(d *Data) uint32 {
	w := d.words()
	answer := uint32(linux.SECCOMP_RET_ALLOW)
	action := func(v uint32) int32 { return int32(v & linux.SECCOMP_RET_ACTION_FULL) }
	for ; f != nil; f = f.prev {
		if v := run(f.code, &w); action(v) < action(answer) {
			answer = v
		}
	}
	return answer
}
