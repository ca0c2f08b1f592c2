package tty

import (
	"strings"
	"sync"
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
)

// FuzzTTY drives a pair with any bytes under any settings: it must not panic,
// keep its bounds, and never give a line longer than 4096 bytes.
func FuzzTTY(f *testing.F) {
	d := linux.DefaultTermios()
	f.Add(d.Iflag, d.Oflag, d.Lflag, string(d.Cc[:]), []byte("abc\x7f\x15\x16\x03\x12\t\x7f\n\x04"))
	f.Add(uint32(linux.PARMRK|linux.IUTF8), uint32(linux.XTABS|linux.OPOST), d.Lflag|linux.ECHOPRT, string(d.Cc[:]), []byte("\xff\xff\t\x80\x7f\x17"))
	f.Add(uint32(linux.IXON|linux.IXANY), uint32(0), uint32(linux.ECHO), "", []byte("\x13\x13a\x11"))
	f.Add(uint32(0), uint32(0), uint32(linux.EXTPROC|linux.ICANON), "", []byte("\x04"))
	f.Fuzz(func(t *testing.T, in, out, local uint32, cc string, data []byte) {
		data = data[:min(len(data), 2000)]
		n := linux.Termios{Iflag: in, Oflag: out, Lflag: local}
		copy(n.Cc[:], cc)
		m, s := open(t, Config{})
		p := make([]byte, 2*bufSize)
		for i := range 40 {
			if i%7 == 3 {
				term := n
				if i%2 == 0 {
					term.Lflag ^= linux.ICANON
				}
				s.SetTermios(nil, i%3, term)
			}
			m.WriteNB(nil, data)
			s.WriteNB(nil, data)
			if i%5 == 0 {
				line := m.TTY().d.canon && m.TTY().term.Lflag&linux.EXTPROC == 0
				if c, _ := s.ReadNB(nil, p); line && c > bufSize {
					t.Fatalf("read %d bytes", c)
				}
				m.ReadNB(nil, p[:1+i*10])
			}
			tty := m.TTY()
			if d := &tty.d; d.head-d.tail > bufSize+1 || d.canon && tty.term.Lflag&linux.EXTPROC == 0 && d.line-d.tail > d.head-d.tail || d.echoHead-d.echoTail > bufSize {
				t.Fatalf("out of bounds: head %d line %d tail %d echo %d", d.head, d.line, d.tail, d.echoHead-d.echoTail)
			}
			if tty.in.n > queueLimit || tty.out.n > queueLimit || len(tty.in.buf)+len(tty.out.buf) > 2*queueLimit {
				t.Fatal("queues out of bounds")
			}
		}
	})
}

// TestConcurrentUse has everybody do everything at once; the race detector looks on.
func TestConcurrentUse(t *testing.T) {
	m, s := open(t, Config{Signals: &nowhere{}})
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for j := range 200 {
				m.WriteNB(nil, []byte("typed\x7f\x03\n"))
				s.WriteNB(nil, []byte("shown\n"))
				m.ReadNB(nil, make([]byte, 100))
				s.ReadNB(nil, make([]byte, 100))
				stop := s.Watch(func() {})
				s.SetWinsize(linux.Winsize{Row: uint16(j)})
				s.SetTermios(nil, j%3, linux.DefaultTermios())
				m.Readiness()
				s.Readiness()
				stop()
				if i == 0 && j == 150 {
					m.TTY().Hangup()
				}
			}
		})
	}
	wg.Wait()
}

type nowhere struct{}

func (nowhere) SignalGroup(int, linux.Signal)  {}
func (nowhere) SignalLeader(int, linux.Signal) {}
func (nowhere) ClearCTTY(int, *TTY)            {}

func benchmark(b *testing.B, term linux.Termios, from, to func(m, s *End) *End, line string) {
	m, s := open(b, Config{Termios: &term})
	p, q := []byte(strings.Repeat(line, 4000/len(line))), make([]byte, 1<<14)
	src, dst := from(m, s), to(m, s)
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	for b.Loop() {
		src.WriteNB(nil, p)
		for {
			n, _ := dst.ReadNB(nil, q)
			if n == 0 {
				break
			}
		}
		if dst == s {
			m.ReadNB(nil, q)
		}
	}
}

func master(m, _ *End) *End { return m }
func slave(_, s *End) *End  { return s }

const benchLine = "The quick brown fox jumps over the lazy dog, 0123456789 times and more.\n"

func BenchmarkOutputCooked(b *testing.B) {
	benchmark(b, linux.DefaultTermios(), slave, master, benchLine)
}
func BenchmarkOutputRaw(b *testing.B) { benchmark(b, rawTermios(1, 0), slave, master, benchLine) }
func BenchmarkInputRaw(b *testing.B)  { benchmark(b, rawTermios(1, 0), master, slave, benchLine) }
func BenchmarkInputCooked(b *testing.B) {
	benchmark(b, linux.DefaultTermios(), master, slave, benchLine)
}
