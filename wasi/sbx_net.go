package wasi

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
)

// Flags of a request to connect: SBX_TLS and SBX_TLS_ANY.
const (
	connectTLS = 1 << iota
	connectAnyCert
)

// maxRoots bounds the authorities that a guest brings.
const maxRoots = 4 << 20

// sbxConnect opens a TCP connection, encrypted if asked, through the sandbox's
// network policy. The request is nine words, see sbx_wasm.c; the answer is a
// descriptor and the length of the text that says what was wrong with TLS.
func sbxConnect(p *proc, a []uint64) error {
	req, err := p.bytes(uint32(a[0]), 36)
	if err != nil {
		return err
	}
	word := func(i int) uint32 { return binary.LittleEndian.Uint32(req[4*i:]) }
	if _, err := p.bytes(uint32(a[1]), 8); err != nil {
		return err
	}
	host, err := p.path(word(0), word(1))
	if err != nil {
		return err
	}
	port, flags := word(2), word(3)
	if port == 0 || port > 65535 || flags&^uint32(connectTLS|connectAnyCert) != 0 {
		return linux.EINVAL
	}
	o := kernel.DialOpts{Timeout: time.Duration(word(4)) * time.Millisecond}
	if flags&connectTLS != 0 {
		if word(6) > maxRoots {
			return linux.E2BIG
		}
		roots, err := p.bytes(word(5), word(6))
		if err != nil {
			return err
		}
		// a copy: the handshake may outlive an interrupted call
		o.TLS = &kernel.TLS{Roots: append([]byte(nil), roots...), Insecure: flags&connectAnyCert != 0}
	}
	text, err := p.bytes(word(7), word(8))
	if err != nil {
		return err
	}
	fd, err := p.t.Dial("tcp", host, int(port), o)
	if err != nil {
		n := 0
		var te *kernel.TLSError
		if errors.As(err, &te) {
			n = copy(text, te.Error())
		}
		if e := p.putU32(uint32(a[1])+4, uint32(n)); e != nil {
			return e
		}
		return err
	}
	p.t.SetFdFlags(fd, linux.FD_CLOEXEC)
	return p.give(fd, linux.O_RDWR, uint32(a[1]))
}
