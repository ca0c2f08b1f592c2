package sandbox

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"io"
	"net"
	"sync"

	"github.com/sbxrun/sbx/abi/linux"
)

// connectResult answers "connect"; what follows is the stream, or datagrams with
// their lengths before them.
type connectResult struct {
	Errno linux.Errno `json:"errno,omitempty"` // why there is no connection
}

func opConnect(r *Run, c *call) error {
	var a connectArgs
	if err := c.decode(&a); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.ctl.ctx, controlTimeout)
	defer cancel()
	g, err := r.connectTo(ctx, a)
	if err != nil {
		return c.accept(connectResult{linux.ErrnoOf(err)})
	}
	defer g.Close()
	defer context.AfterFunc(c.ctl.ctx, func() { _ = g.Close() })()
	if err := c.accept(connectResult{}); err != nil {
		return nil
	}
	c.stream()
	conn, ok := c.conn.(net.Conn)
	if !ok {
		return nil
	}
	far := net.Conn(&streamConn{Conn: conn, in: c.in})
	if a.Network == "udp" {
		far = &datagramConn{Conn: far}
	}
	splice(far, g, a.Network == "udp")
	return nil
}

// connectControl asks the sbx that runs a container for a connection to it.
func (e *Engine) connectControl(ctx context.Context, id string, st State, a connectArgs) (net.Conn, error) {
	got, err := e.callControl(ctx, id, st, "connect", a)
	if err != nil {
		return nil, err
	}
	var res connectResult
	if err := json.Unmarshal(got.result, &res); err != nil || res.Errno != 0 {
		_ = got.Close()
		if err == nil {
			err = res.Errno
		}
		return nil, err
	}
	got.stop() // the connection outlives the dialling
	c := net.Conn(&streamConn{Conn: got.conn, in: got.Reader})
	if a.Network == "udp" {
		c = &datagramConn{Conn: c}
	}
	return c, nil
}

// streamConn reads what came behind the line of a call before the rest.
type streamConn struct {
	net.Conn
	in io.Reader
}

func (c *streamConn) Read(p []byte) (int, error) { return c.in.Read(p) }

// CloseWrite is *net.UnixConn's.
func (c *streamConn) CloseWrite() error {
	if h, ok := c.Conn.(halfCloser); ok {
		return h.CloseWrite()
	}
	return c.Close()
}

// datagramConn keeps the bounds of datagrams on a stream: two bytes of length,
// the highest first, before each.
type datagramConn struct {
	net.Conn
	mu sync.Mutex // of writing
}

func (c *datagramConn) Read(p []byte) (int, error) {
	var head [2]byte
	if _, err := io.ReadFull(c.Conn, head[:]); err != nil {
		return 0, err
	}
	n := int(binary.BigEndian.Uint16(head[:]))
	keep := min(n, len(p))
	if _, err := io.ReadFull(c.Conn, p[:keep]); err != nil {
		return 0, err
	}
	_, err := io.CopyN(io.Discard, c.Conn, int64(n-keep))
	return keep, err
}

func (c *datagramConn) Write(p []byte) (int, error) {
	if len(p) > maxPacket {
		return 0, linux.EMSGSIZE
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := c.Conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(p))), p...)); err != nil {
		return 0, err
	}
	return len(p), nil
}
