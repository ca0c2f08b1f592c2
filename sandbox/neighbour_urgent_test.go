package sandbox

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
)

// TestStreamPieces: what is urgent arrives so, an end is told from a cut.
func TestStreamPieces(t *testing.T) {
	for _, c := range []struct {
		name, want string
		write      func(c *streamConn) error
	}{
		{"end", "abc cd! efg EOF", func(c *streamConn) error {
			c.Write([]byte("abc"))
			c.WriteUrgent([]byte("cd"))
			c.Write([]byte("efg"))
			return c.CloseWrite()
		}},
		{"urgent alone", "x! y! EOF", func(c *streamConn) error {
			c.WriteUrgent([]byte("x"))
			c.WriteUrgent([]byte("y"))
			return c.CloseWrite()
		}},
		{"cut", "abc " + linux.ECONNRESET.Error(), func(c *streamConn) error {
			c.Write([]byte("abc"))
			return c.Close()
		}},
		{"cut in a piece", "ab " + linux.ECONNRESET.Error(), func(c *streamConn) error {
			c.Conn.Write([]byte{0x80, 0, 0, 9, 'a', 'b'})
			return c.Close()
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			near, far := net.Pipe()
			defer far.Close()
			go func() {
				if err := c.write(&streamConn{Conn: near, in: near}); err != nil {
					t.Error(err)
				}
			}()
			var got []string
			in := &streamConn{Conn: far, in: far}
			for b := make([]byte, 100); ; {
				n, urgent, err := in.ReadUrgent(b)
				if n > 0 {
					got = append(got, fmt.Sprintf("%s%s", b[:n], map[bool]string{true: "!"}[urgent]))
				}
				if err != nil {
					if err == io.EOF {
						err = fmt.Errorf("EOF")
					}
					got = append(got, err.Error())
					break
				}
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("got %q, want %q", s, c.want)
			}
		})
	}
}
