package gunzip

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	kgzip "github.com/klauspost/compress/gzip"
)

// pack compresses b with the standard library.
func pack(t testing.TB, level int, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, level)
	if err != nil {
		t.Fatal(err)
	}
	w.Name, w.Comment, w.Extra = "a name", "a comment", []byte("extra")
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// inputs are kinds of data that compress in different ways.
func inputs(t testing.TB) map[string][]byte {
	rnd := rand.NewChaCha8([32]byte{1})
	noise := make([]byte, 700<<10)
	rnd.Read(noise)
	few := bytes.Map(func(r rune) rune { return 'a' + r&3 }, noise)
	var words strings.Builder
	pcg := rand.New(rand.NewPCG(1, 2))
	for words.Len() < 900<<10 {
		words.WriteString([]string{"alpha ", "beta ", "gamma, ", "delta\n", "\x00\x00\x00\x01", "a much longer piece of text than the others "}[pcg.IntN(6)])
	}
	far := append(append(bytes.Clone(noise[:100]), make([]byte, windowSize-100)...), noise[:100]...)
	in := map[string][]byte{
		"nothing": nil, "one byte": {'x'}, "zeros": make([]byte, 3<<20), "noise": noise, "few letters": few, "words": []byte(words.String()),
		"a whole window back": far, "periods": bytes.Repeat([]byte("abcdefg"), 100000),
	}
	if exe, err := os.Executable(); err == nil {
		if b, err := os.ReadFile(exe); err == nil {
			in["a program"] = b[:min(len(b), 4<<20)]
		}
	}
	return in
}

func TestReader(t *testing.T) {
	for name, want := range inputs(t) {
		for _, level := range []int{gzip.HuffmanOnly, gzip.NoCompression, 1, 5, 9} {
			z := pack(t, level, want)
			for how, src := range map[string]io.Reader{"whole": bytes.NewReader(z), "bytes": iotest.OneByteReader(bytes.NewReader(z)), "halves": iotest.HalfReader(bytes.NewReader(z)), "data with its end": iotest.DataErrReader(bytes.NewReader(z))} {
				if how == "bytes" && len(z) > 64<<10 {
					continue
				}
				got, err := io.ReadAll(NewReader(src))
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s, level %d, %s: %d bytes of %d, %v", name, level, how, len(got), len(want), err)
				}
			}
		}
	}
}

// TestOtherWriter reads what klauspost's compressor writes, whose blocks look different.
func TestOtherWriter(t *testing.T) {
	for name, want := range inputs(t) {
		for _, level := range []int{kgzip.StatelessCompression, kgzip.BestSpeed, kgzip.BestCompression} {
			var b bytes.Buffer
			w, _ := kgzip.NewWriterLevel(&b, level)
			w.Write(want)
			w.Close()
			if got, err := io.ReadAll(NewReader(&b)); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s, level %d: %d bytes of %d, %v", name, level, len(got), len(want), err)
			}
		}
	}
}

func TestMembers(t *testing.T) {
	one, two := pack(t, 6, []byte("first, ")), pack(t, 0, []byte("second"))
	got, err := io.ReadAll(NewReader(bytes.NewReader(append(bytes.Clone(one), two...))))
	if err != nil || string(got) != "first, second" {
		t.Errorf("two members: %q, %v", got, err)
	}
	// The second member may not reach into the first.
	evil := []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0, 0x03, 0x02, 0, 0, 0, 0, 0, 0, 0, 0} // a fixed block that begins with a match
	if _, err := io.ReadAll(NewReader(bytes.NewReader(append(bytes.Clone(one), evil...)))); err == nil {
		t.Error("a distance out of the member is accepted")
	}
	if _, err := io.ReadAll(NewReader(bytes.NewReader(append(bytes.Clone(one), "junk"...)))); !errors.Is(err, ErrData) {
		t.Errorf("junk behind the last member: %v", err)
	}
}

// TestDamage cuts and changes a stream at every place.
func TestDamage(t *testing.T) {
	want := []byte(strings.Repeat("some text, 0123456789 ", 12))
	for _, level := range []int{0, 6} {
		z := pack(t, level, want)
		for i := range z {
			if got, err := io.ReadAll(NewReader(bytes.NewReader(z[:i]))); err != io.ErrUnexpectedEOF {
				t.Fatalf("level %d, cut at %d of %d: %d bytes, %v", level, i, len(z), len(got), err)
			}
			for bit := range 8 {
				bad := bytes.Clone(z)
				bad[i] ^= 1 << bit
				got, err := io.ReadAll(NewReader(bytes.NewReader(bad)))
				std, stdErr := stdlib(bad)
				if (err == nil) != (stdErr == nil) || err == nil && !bytes.Equal(got, std) {
					t.Fatalf("level %d, bit %d of byte %d: %v, the standard library says %v", level, bit, i, err, stdErr)
				}
			}
		}
	}
	broken := errors.New("the cable is cut")
	z := pack(t, 6, want)
	if _, err := io.ReadAll(NewReader(io.MultiReader(bytes.NewReader(z[:40]), iotest.ErrReader(broken)))); err != broken {
		t.Errorf("an error of the source came out as %v", err)
	}
}

func stdlib(z []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(z))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(r, 16<<20))
}

// FuzzReader holds every stream against the standard library.
func FuzzReader(f *testing.F) {
	f.Add(pack(f, 6, []byte(strings.Repeat("seed ", 100))))
	f.Add(pack(f, 0, []byte("stored")))
	f.Add(pack(f, gzip.HuffmanOnly, []byte("codes of many lengths: \x00\x01\x02\x03 abcdefghijklmnopqrstuvwxyz")))
	f.Add(append(pack(f, 1, []byte("a")), pack(f, 9, make([]byte, 70000))...))
	f.Add([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0, 0x03, 0x02, 0, 0})
	f.Fuzz(func(t *testing.T, z []byte) {
		compare(t, z)
		if len(z) < 1 { // and as the block of a member with a good header
			return
		}
		compare(t, append([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0}, z...))
	})
}

func compare(t *testing.T, z []byte) {
	t.Helper()
	want, wantErr := stdlib(z)
	got, err := io.ReadAll(io.LimitReader(NewReader(iotest.HalfReader(bytes.NewReader(z))), 16<<20))
	if len(want) == 16<<20 {
		return
	}
	switch {
	case wantErr == nil && (err != nil || !bytes.Equal(got, want)):
		t.Errorf("%d bytes of %d, %v", len(got), len(want), err)
	case wantErr != nil && err == nil:
		t.Errorf("accepted, and the standard library says %v", wantErr)
	}
}

func BenchmarkReader(b *testing.B) {
	for _, name := range []string{"words", "a program"} {
		raw := inputs(b)[name]
		z := pack(b, 6, raw)
		for who, open := range map[string]func(io.Reader) io.Reader{
			"sbx": func(r io.Reader) io.Reader { return NewReader(r) },
			"klauspost": func(r io.Reader) io.Reader {
				z, err := kgzip.NewReader(r)
				if err != nil {
					b.Fatal(err)
				}
				return z
			},
			"standard": func(r io.Reader) io.Reader {
				z, err := gzip.NewReader(r)
				if err != nil {
					b.Fatal(err)
				}
				return z
			},
		} {
			b.Run(name+"/"+who, func(b *testing.B) {
				b.SetBytes(int64(len(raw)))
				buf := make([]byte, 256<<10)
				for b.Loop() {
					if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, open(bytes.NewReader(z)), buf); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
