package sandbox

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net"
	"sync"

	"github.com/sbxrun/sbx/abi/linux"
)

// connectResult answers "connect".
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
	if err := c.accept(connectResult{}); err != nil {
		return nil
	}
	conn, ok := c.conn.(net.Conn)
	if !ok {
		return nil
	}
	c.farewell()
	splice(c.ctl.ctx, framed(a.Network, conn, c.in), g, a.Network == "udp")
	return nil
}

// connectControl asks the sbx that runs a container for a connection to it, for the container asker of this engine.
func (e *Engine) connectControl(ctx context.Context, asker, id string, st State, a connectArgs) (net.Conn, error) {
	got, err := e.callControl(ctx, id, st, "connect", a)
	if errors.Is(err, errVersion) {
		e.mu.Lock()
		r := e.running[asker]
		e.mu.Unlock()
		if r != nil {
			return nil, r.differs("to", a.To.Addr().String())
		}
		return nil, linux.ECONNREFUSED
	}
	if err != nil {
		return nil, err
	}
	var res connectResult
	err = json.Unmarshal(got.result, &res)
	if err == nil && res.Errno != 0 {
		err = res.Errno
	}
	if err != nil {
		_ = got.Close()
		return nil, err
	}
	got.stop() // the connection outlives the dialling
	return framed(a.Network, got.conn, got.Reader), nil
}

// framed is a connection of a guest that goes over a control socket, of which in
// has what came behind the line of the call and then the rest.
func framed(network string, conn net.Conn, in io.Reader) net.Conn {
	if network == "udp" {
		return &datagramConn{Conn: conn, in: in}
	}
	return &streamConn{Conn: conn, in: in}
}

// streamConn tells the end of a TCP connection from its reset, which a local
// socket does not: four bytes of length, the highest first, are before each piece,
// and a piece of no bytes is the end of what one side says. A connection that is
// closed before that was reset.
type streamConn struct {
	net.Conn
	in   io.Reader
	left uint32     // of the piece that is read
	end  bool       // of what the other side says
	mu   sync.Mutex // of writing
}

func (c *streamConn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if c.left == 0 && !c.end {
		var head [4]byte
		if _, err := io.ReadFull(c.in, head[:]); err != nil {
			return 0, cutShort(err)
		}
		c.left = binary.BigEndian.Uint32(head[:])
		c.end = c.left == 0
	}
	if c.end {
		return 0, io.EOF
	}
	n, err := c.in.Read(p[:min(len(p), int(min(c.left, maxPiece)))])
	c.left -= uint32(n)
	return n, cutShort(err)
}

// cutShort is what an end that nobody announced means.
func cutShort(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return linux.ECONNRESET
	}
	return err
}

// maxPiece is the most that one length is told for.
const maxPiece = 1 << 20

func (c *streamConn) Write(p []byte) (done int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for err == nil && done < len(p) {
		piece := p[done:min(len(p), done+maxPiece)]
		head := binary.BigEndian.AppendUint32(nil, uint32(len(piece)))
		var n int64
		n, err = (&net.Buffers{head, piece}).WriteTo(c.Conn)
		done += max(int(n)-len(head), 0)
	}
	return done, err
}

// CloseWrite tells the other side that nothing more comes.
func (c *streamConn) CloseWrite() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := c.Conn.Write(make([]byte, 4))
	return err
}

// datagramConn keeps the bounds of datagrams on a stream: two bytes of length,
// the highest first, before each.
type datagramConn struct {
	net.Conn
	in io.Reader
	mu sync.Mutex // of writing
}

func (c *datagramConn) Read(p []byte) (int, error) {
	var head [2]byte
	if _, err := io.ReadFull(c.in, head[:]); err != nil {
		return 0, err
	}
	n := int(binary.BigEndian.Uint16(head[:]))
	keep := min(n, len(p))
	if _, err := io.ReadFull(c.in, p[:keep]); err != nil {
		return 0, err
	}
	_, err := io.CopyN(io.Discard, c.in, int64(n-keep))
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
