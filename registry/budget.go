package registry

import (
	"io"
	"sync/atomic"
)

// budget bounds what the layers of one image, or of one archive, may cost together: many small bombs are one large one.
// It is safe for concurrent use.
type budget struct {
	lim   Limits
	outer bool         // wire counts the archive around the layers, not the layers
	wire  atomic.Int64 // compressed bytes so far
	spent spending
}

// spending is what has been unpacked.
type spending struct {
	raw     atomic.Int64 // bytes of tar
	size    atomic.Int64 // sum of the sizes of files
	entries atomic.Int64
	meta    atomic.Int64 // bytes of names and attributes
}

func (s *Store) newBudget() *budget { return &budget{lim: s.limits} }

// allowed is how many bytes may be unpacked, given what came over the wire so far.
func (b *budget) allowed() int64 {
	return min(b.lim.ImageBytes, b.lim.RatioFree+b.lim.Ratio*b.wire.Load())
}

// refund takes back what a layer cost that did not become part of the image. What a bad file of an archive cost stays
// spent: there may be thousands of them.
func (b *budget) refund(l *layerScanner, raw int64) {
	b.refundMemory(l)
	if !b.outer {
		b.spent.raw.Add(-raw)
		b.spent.size.Add(-l.size)
	}
}

// refundMemory takes back what the entries of a layer cost, once nobody holds them any more.
func (b *budget) refundMemory(l *layerScanner) {
	b.spent.entries.Add(-int64(l.count))
	b.spent.meta.Add(-l.meta)
}

// cappedReader reads the tar of a layer. It fails once more has been decompressed than the bytes on the wire justify.
type cappedReader struct {
	r      io.Reader
	n      *int64 // of this layer
	budget *budget
}

func (c *cappedReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if *c.n > c.budget.lim.LayerBytes || c.budget.spent.raw.Load() > c.budget.allowed() {
		return 0, Errorf(ErrTooLarge, "the layer decompresses to more than its compressed size justifies (%d bytes so far): refused", *c.n)
	}
	return n, err
}

// outerReader is cappedReader for the archive around the layers.
type outerReader struct {
	r      io.Reader
	n      int64
	budget *budget
}

func (o *outerReader) Read(p []byte) (int, error) {
	n, err := o.r.Read(p)
	if o.n += int64(n); o.n > o.budget.allowed() {
		return 0, Errorf(ErrTooLarge, "the archive decompresses to more than its compressed size justifies (%d bytes so far): refused", o.n)
	}
	return n, err
}

// wireReader counts what an archive has on the wire.
type wireReader struct {
	r      io.Reader
	budget *budget
}

func (w *wireReader) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	w.budget.wire.Add(int64(n))
	return n, err
}
