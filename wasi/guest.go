package wasi

import (
	"encoding/binary"
	"math"

	"github.com/sbxrun/sbx/abi/linux"
)

// Limits on what one call may take from guest memory.
const (
	maxPath  = 4096    // PATH_MAX, with its NUL
	maxArgs  = 2 << 20 // ARG_MAX of exec and spawn
	maxIovs  = 1024    // IOV_MAX
	maxGroup = 1 << 20 // bytes gathered for one read or write of several vectors
)

// bytes is guest memory itself, [ptr, ptr+n), or EFAULT.
func (p *proc) bytes(ptr, n uint32) ([]byte, error) {
	if p.mem == nil {
		return nil, linux.EFAULT
	}
	b, ok := p.mem.Read(ptr, n)
	if !ok {
		return nil, linux.EFAULT
	}
	return b, nil
}

// array is count elements of size bytes.
func (p *proc) array(ptr, count, size uint32) ([]byte, error) {
	if uint64(count)*uint64(size) > math.MaxUint32 {
		return nil, linux.EFAULT
	}
	return p.bytes(ptr, count*size)
}

func (p *proc) path(ptr, n uint32) (string, error) {
	if n >= maxPath {
		return "", linux.ENAMETOOLONG
	}
	b, err := p.bytes(ptr, n)
	if err != nil {
		return "", err
	}
	for _, c := range b {
		if c == 0 {
			return "", linux.EINVAL
		}
	}
	return string(b), nil
}

func (p *proc) putU16(ptr uint32, v uint16) error {
	b, err := p.bytes(ptr, 2)
	if err == nil {
		binary.LittleEndian.PutUint16(b, v)
	}
	return err
}

func (p *proc) putU32(ptr, v uint32) error {
	b, err := p.bytes(ptr, 4)
	if err == nil {
		binary.LittleEndian.PutUint32(b, v)
	}
	return err
}

func (p *proc) putU64(ptr uint32, v uint64) error {
	b, err := p.bytes(ptr, 8)
	if err == nil {
		binary.LittleEndian.PutUint64(b, v)
	}
	return err
}

// strings cuts NUL-terminated strings that lie one after another.
func (p *proc) strings(ptr, n uint32) ([]string, error) {
	if n > maxArgs {
		return nil, linux.E2BIG
	}
	b, err := p.bytes(ptr, n)
	if err != nil {
		return nil, err
	}
	var out []string
	for start, i := 0, 0; i < len(b); i++ {
		if b[i] == 0 {
			out = append(out, string(b[start:i]))
			start = i + 1
		}
	}
	return out, nil
}

// iovecs returns the non-empty vectors of a scatter or gather list and their
// length together.
func (p *proc) iovecs(ptr, count uint32) ([][]byte, int, error) {
	if count > maxIovs {
		return nil, 0, linux.EINVAL
	}
	list, err := p.array(ptr, count, 8)
	if err != nil {
		return nil, 0, err
	}
	out := make([][]byte, 0, min(count, 8))
	total := 0
	for ; len(list) > 0; list = list[8:] {
		b, err := p.bytes(binary.LittleEndian.Uint32(list), binary.LittleEndian.Uint32(list[4:]))
		if err != nil {
			return nil, 0, err
		}
		if len(b) == 0 {
			continue
		}
		if total > math.MaxInt32-len(b) {
			return nil, 0, linux.EINVAL
		}
		total += len(b)
		out = append(out, b)
	}
	return out, total, nil
}

// readv fills the vectors from one call of read, so that it blocks at most once.
func readv(vecs [][]byte, total int, read func([]byte) (int, error)) (int, error) {
	switch len(vecs) {
	case 0:
		return read(nil)
	case 1:
		return read(vecs[0])
	}
	buf := make([]byte, min(total, maxGroup))
	n, err := read(buf)
	if err != nil {
		return 0, err
	}
	for rest := buf[:n]; len(rest) > 0; vecs = vecs[1:] {
		rest = rest[copy(vecs[0], rest):]
	}
	return n, nil
}

// writev gathers the vectors for one call of write, so that it is atomic where
// the kernel's is.
func writev(vecs [][]byte, total int, write func([]byte) (int, error)) (int, error) {
	switch len(vecs) {
	case 0:
		return write(nil)
	case 1:
		return write(vecs[0])
	}
	buf := make([]byte, 0, min(total, maxGroup))
	for _, v := range vecs {
		buf = append(buf, v[:min(len(v), cap(buf)-len(buf))]...)
	}
	return write(buf)
}
