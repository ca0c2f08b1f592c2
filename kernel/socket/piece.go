package socket

import (
	"math/bits"
	"sync"
)

// Memory of packets from 1<<minPieceBits bytes to 1<<maxPieceBits is used again:
// a server that sends files would clear and collect as much as it sends.
const (
	minPieceBits = 13
	maxPieceBits = 20
)

// pieces are free memory, by the logarithm of its size.
var pieces [maxPieceBits + 1]sync.Pool

// newPiece gives room for size bytes, and what freePiece takes back; nil: nothing.
func newPiece(size int) ([]byte, *[]byte) {
	class := bits.Len(uint(max(size, 1) - 1))
	if class < minPieceBits || class > maxPieceBits {
		return make([]byte, 0, size), nil
	}
	b, ok := pieces[class].Get().(*[]byte)
	if !ok {
		room := make([]byte, 0, 1<<class)
		b = &room
	}
	return *b, b
}

// freePiece takes memory back that nobody reads any more.
func freePiece(b *[]byte) {
	if b != nil {
		pieces[bits.Len(uint(cap(*b)-1))].Put(b)
	}
}
