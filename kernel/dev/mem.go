package dev

import (
	"crypto/rand"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel/tty"
)

// always is a device that is ready at any time and holds nothing.
type always struct{}

func (always) Readiness() uint32 {
	return linux.POLLIN | linux.POLLRDNORM | linux.POLLOUT | linux.POLLWRNORM
}
func (always) Watch(func()) func()                                       { return func() {} }
func (always) Close() error                                              { return nil }
func (always) Write(_ tty.Caller, p []byte, _ tty.WaitFunc) (int, error) { return len(p), nil }

// Null is /dev/null: empty to read, takes everything.
type Null struct{ always }

// Read finds the end of the file.
func (Null) Read(tty.Caller, []byte, tty.WaitFunc) (int, error) { return 0, nil }

// Zero is /dev/zero: endless zero bytes, takes everything.
type Zero struct{ always }

// Read fills p with zero bytes.
func (Zero) Read(_ tty.Caller, p []byte, _ tty.WaitFunc) (int, error) {
	clear(p)
	return len(p), nil
}

// Full is /dev/full: like Zero, but every write is ENOSPC.
type Full struct{ Zero }

// Write finds the device full.
func (Full) Write(_ tty.Caller, p []byte, _ tty.WaitFunc) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	return 0, linux.ENOSPC
}

// Random is /dev/random and /dev/urandom: random bytes; writes are accepted and
// add nothing.
type Random struct {
	always
	fill func(p []byte)
}

// Read fills p with random bytes.
func (r Random) Read(_ tty.Caller, p []byte, _ tty.WaitFunc) (int, error) {
	r.fill(p)
	return len(p), nil
}

// cryptoRandom reads the host's generator, which does not fail.
func cryptoRandom(p []byte) { rand.Read(p) }

func (d *Devices) openMem(minor uint32) (Device, error) {
	switch minor {
	case minorNull:
		return Null{}, nil
	case minorZero:
		return Zero{}, nil
	case minorFull:
		return Full{}, nil
	case minorRandom, minorURandom:
		return Random{fill: d.o.Random}, nil
	}
	return nil, linux.ENXIO
}
