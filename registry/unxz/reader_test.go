package unxz

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"testing/iotest"
)

// xz compresses with the real tool.
func xz(t testing.TB, data []byte, args ...string) []byte {
	t.Helper()
	path, err := exec.LookPath("xz")
	if err != nil {
		t.Skip(err)
	}
	cmd := exec.Command(path, append([]string{"-c", "-T1"}, args...)...)
	cmd.Stdin = bytes.NewReader(data)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("xz %q: %v", args, err)
	}
	return out
}

func samples() map[string][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	random := make([]byte, 100_000)
	for i := range random {
		random[i] = byte(r.Uint32())
	}
	var text strings.Builder
	for i := range 30_000 {
		text.WriteString([]string{"the ", "quick ", "brown ", "fox\n", "jumps "}[r.IntN(5)])
		if i%1000 == 0 {
			text.Write(random[:i/20])
		}
	}
	return map[string][]byte{
		"nothing": {}, "a byte": {'x'}, "zeros": make([]byte, 5<<20), "random": random, "text": []byte(text.String()),
		"mixed": append(append(append([]byte{}, random...), text.String()...), random[:1000]...), "long": bytes.Repeat([]byte(text.String()), 10),
	}
}

func TestAgainstXZ(t *testing.T) {
	for name, data := range samples() {
		for _, args := range [][]string{{"-0"}, {"-6"}, {"--check=crc32"}, {"--check=sha256"}, {"--check=none"}, {"--block-size=65536"},
			{"--lzma2=dict=4KiB,lc=0,lp=4,pb=0"}, {"--lzma2=dict=64KiB,lc=4,lp=0,pb=4"}, {"--lzma2=dict=1MiB,lc=1,lp=2,pb=3,nice=273"}} {
			if len(data) > 3<<20 && len(args[0]) > 2 {
				continue // takes long
			}
			packed := xz(t, data, args...)
			got, err := io.ReadAll(NewReader(iotest.HalfReader(bytes.NewReader(packed)), 64<<20))
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("%s %q: %d bytes of %d, %v", name, args, len(got), len(data), err)
			}
		}
	}
}

func TestStreams(t *testing.T) {
	one, two := xz(t, []byte("one ")), xz(t, []byte("two"))
	all := append(append(append(append([]byte{}, one...), 0, 0, 0, 0, 0, 0, 0, 0), two...), 0, 0, 0, 0)
	if got, err := io.ReadAll(NewReader(bytes.NewReader(all), 64<<20)); err != nil || string(got) != "one two" {
		t.Errorf("%q, %v", got, err)
	}
	for name, bad := range map[string][]byte{"odd padding": append(append([]byte{}, one...), 0, 0), "garbage": append(append([]byte{}, one...), "garbage!"...)} {
		if got, err := io.ReadAll(NewReader(bytes.NewReader(bad), 64<<20)); err == nil {
			t.Errorf("%s: %q", name, got)
		}
	}
	if _, err := io.ReadAll(NewReader(bytes.NewReader(xz(t, []byte("x"), "-9")), 1<<20)); !errors.Is(err, ErrUnsupported) {
		t.Errorf("a large dictionary: %v", err)
	}
	if _, err := io.ReadAll(NewReader(bytes.NewReader(xz(t, []byte("x"), "--x86", "--lzma2=preset=0")), 64<<20)); !errors.Is(err, ErrUnsupported) {
		t.Errorf("another filter: %v", err)
	}
}

// Empty blocks with the largest dictionary do not cost more than their bytes warrant.
func TestManyDictionaries(t *testing.T) {
	one := xz(t, []byte("x"), "--lzma2=preset=0,dict=64MiB")
	if got, err := io.ReadAll(NewReader(bytes.NewReader(bytes.Repeat(one, 10)), 64<<20)); err != nil || len(got) != 10 {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := io.ReadAll(NewReader(bytes.NewReader(bytes.Repeat(one, 1000)), 64<<20)); !errors.Is(err, ErrUnsupported) {
		t.Errorf("%v", err)
	}
}

// Every byte that is missing is noticed, and every one that makes other data.
func TestDamage(t *testing.T) {
	data := samples()["mixed"][95_000:105_000]
	packed := xz(t, data, "--block-size=8192")
	for cut := range len(packed) {
		if cut > 200 && cut < len(packed)-200 && cut%37 != 0 {
			continue
		}
		if got, err := io.ReadAll(NewReader(bytes.NewReader(packed[:cut]), 64<<20)); err == nil {
			t.Fatalf("cut at %d: %d bytes and no error", cut, len(got))
		}
		bad := bytes.Clone(packed)
		bad[cut] ^= 0x10
		if got, err := io.ReadAll(NewReader(bytes.NewReader(bad), 64<<20)); err == nil && !bytes.Equal(got, data) {
			t.Fatalf("damaged at %d: no error and other data", cut)
		}
	}
}

func FuzzReader(f *testing.F) {
	for name, data := range samples() {
		if len(data) < 1<<20 || name == "zeros" {
			f.Add(xz(f, data[:min(len(data), 5000)], "--lzma2=dict=4KiB"))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, err := io.Copy(io.Discard, io.LimitReader(NewReader(bytes.NewReader(b), 1<<20), 64<<20))
		if err != nil && !errors.Is(err, ErrData) && !errors.Is(err, ErrUnsupported) && err != io.ErrUnexpectedEOF {
			t.Errorf("%v", err)
		}
	})
}

func BenchmarkReader(b *testing.B) {
	data := samples()["long"]
	packed := xz(b, data)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := io.Copy(io.Discard, NewReader(bytes.NewReader(packed), 64<<20)); err != nil {
			b.Fatal(err)
		}
	}
}
