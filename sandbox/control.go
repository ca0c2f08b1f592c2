package sandbox

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// # The control protocol
//
// The control socket is how other sbx processes reach a running container,
// whether it runs in the foreground or has a process of its own (Supervise):
// a Unix socket in a folder that only its owner enters, named by State.Control.
// Engines call their own containers the same way, over a pipe in memory.
//
// A caller opens a connection for one operation and sends one line of JSON:
//
//	{"version":1,"op":"signal","args":{"signal":15}}
//
// It is answered by one line of JSON. An error is refused work; kind is one of
// errorKinds, so that errors.Is holds on the other side:
//
//	{"version":1,"result":{…}}   or   {"version":1,"error":"no such volume: x","kind":"not found"}
//
// What follows depends on the operation:
//
//	op       args         result         then
//	signal   signalArgs   -              -
//	upper    -            -              the upper layer as a tar stream
//	stat     fileArgs     place          -
//	pack     fileArgs     -              files as a tar stream in pieces (streamConn), then a line: fileResult
//	unpack   fileArgs     -              the same, the pieces from the caller
//	attach   AttachOptions  -            frames, until the container has ended and is saved
//	wait     -            -              as attach with no streams: the frame of the end
//	stop     stopArgs     -              as wait
//	exec     ExecConfig   -              frames, until the program has ended; none with Detach
//	connect  connectArgs  connectResult  the bytes of a connection to the guests
//	network  networkArgs  -              -
//	rename   renameArgs   -              -
//	top      -            []ProcessInfo  -
//	pause    -            -              -
//	unpause  -            -              -
//	stats    -            Stats          -
//	update   Update       -              -
//	follow   -            -              the log is in its files from now on; a byte now and then when it has grown
//
// Frames (frame.go) go both ways: streams, window sizes, signals, and at the
// end an exit status. A caller that closes its connection has detached.
//
// A new operation is an entry of operations (control_ops.go) and a row above.
// Unknown fields are ignored, unknown operations refused, so that sbx
// processes of two versions can talk. What follows the lines is read only by a side of the same version (control_version.go).
//
// At the end of a container no new calls are taken, those under way are ended,
// and only sessions (calls that called keep) hear of the end.

// request is the caller's line.
type request struct {
	side
	Op   string          `json:"op"`
	Args json.RawMessage `json:"args,omitempty"`
}

// response is the container's line; an empty Error is success.
type response struct {
	side
	Error  string          `json:"error,omitempty"`
	Kind   string          `json:"kind,omitempty"`
	Result json.RawMessage `json:"result,omitempty"`
}

const (
	maxSocketPath  = 100 // bytes, below what every host's sockaddr_un holds
	maxRequest     = 4 << 20
	controlTimeout = 10 * time.Second
	closeTimeout   = time.Second // for answers that are due at the end
)

// duplex is a connection, or two pipes.
type duplex interface {
	io.ReadWriteCloser
	SetWriteDeadline(time.Time) error
}

// call is one operation under way.
type call struct {
	conn duplex
	in   *bufio.Reader // what comes after the line
	args json.RawMessage
	ctl  *control
}

// decode reads the arguments; fields that are not there stay as they are.
func (c *call) decode(v any) error {
	if len(c.args) == 0 {
		return nil
	}
	if err := json.Unmarshal(c.args, v); err != nil {
		return fail(ErrInvalid, "wrong arguments: %v", err)
	}
	return nil
}

// accept answers that the operation is done, or begins. result may be nil.
func (c *call) accept(result any) error {
	resp := response{side: ours()}
	if result != nil {
		b, err := json.Marshal(result)
		if err != nil {
			return err
		}
		resp.Result = b
	}
	return json.NewEncoder(c.conn).Encode(resp)
}

// refuse answers with an error.
func (c *call) refuse(err error) {
	_ = json.NewEncoder(c.conn).Encode(response{side: ours(), Error: err.Error(), Kind: kindOf(err)})
}

// stream says that the answer is given and that what follows may be cut off
// when the container ends.
func (c *call) stream() { c.ctl.mark(c.conn, connStream) }

// farewell is stream for a call that ends by itself soon after the control's context.
func (c *call) farewell() { c.ctl.mark(c.conn, connFarewell) }

// keep says that the call hears of the container's end: whoever ends the
// container waits for it, and it ends soon after.
func (c *call) keep() { c.ctl.mark(c.conn, connSession) }

// connState is what is to be done with a connection when the container ends.
type connState int

const (
	connIdle     connState = iota // close it
	connOwed                      // an answer is due: give it a moment
	connStream                    // close it
	connFarewell                  // wait for it
	connSession                   // leave it alone
)

// control takes calls for a run. A nil control is closed.
type control struct {
	r    *Run
	path string // "": only this process reaches it
	dir  string // made for the socket alone; removed with it
	l    net.Listener
	wg   sync.WaitGroup // all calls and the listener

	ctx    context.Context // ends when calls have to
	cancel context.CancelFunc

	mu     sync.Mutex
	calls  *sync.Cond // a connection that is no session has gone
	conns  map[duplex]connState
	closed bool
}

// controlPath is where a container's socket is. That of a killed run stays until the container is removed.
func (e *Engine) controlPath(id string) string {
	return filepath.Join(e.home, "run", ShortID(id)+".sock")
}

// newControl makes a control that only this process reaches.
func newControl(r *Run) *control {
	c := &control{r: r, conns: map[duplex]connState{}}
	c.calls = sync.NewCond(&c.mu)
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// listen opens the socket for other processes, if the host has such. Nobody is
// answered before serve is called.
func (c *control) listen() {
	path := c.r.e.controlPath(c.r.rec.ID)
	if len(path) > maxSocketPath {
		dir, err := os.MkdirTemp("", "sbx")
		if err != nil {
			return
		}
		c.dir, path = dir, filepath.Join(dir, "s")
	} else if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return
	}
	removeLeft(path)
	l, err := net.Listen("unix", path)
	if err != nil {
		c.removeDir()
		return
	}
	c.l, c.path = l, path
}

// serve takes the calls of other processes from here on.
func (c *control) serve() {
	if c.l == nil {
		return
	}
	c.wg.Go(func() {
		for {
			conn, err := c.l.Accept()
			if err != nil {
				return
			}
			c.take(conn)
		}
	})
}

// take serves a connection, in the background.
func (c *control) take(conn net.Conn) {
	if !c.track(conn) {
		_ = conn.Close()
		return
	}
	c.wg.Go(func() {
		defer c.drop(conn)
		_ = conn.SetDeadline(time.Now().Add(controlTimeout))
		c.answer(conn)
	})
}

// answer reads the line of a call and does what it asks for.
func (c *control) answer(conn net.Conn) {
	req, in, err := readRequest(conn)
	if err != nil {
		return
	}
	if !c.begin(conn) {
		return
	}
	cl := &call{conn: conn, in: in, args: req.Args, ctl: c}
	op := operations[req.Op]
	if op == nil {
		cl.refuse(fail(ErrInvalid, "unknown operation %q", req.Op))
		return
	}
	err = sameVersion(req.Op, req.side, ours())
	if err == nil {
		err = op(c.r, cl)
	} else if a := (connectArgs{}); req.Op == "connect" && cl.decode(&a) == nil {
		_ = c.r.differs("from", a.From.Addr().String())
	}
	if err != nil {
		cl.refuse(err)
	}
}

// readRequest reads the line; the reader has what follows.
func readRequest(r io.Reader) (req request, in *bufio.Reader, err error) {
	in = bufio.NewReader(r)
	line, err := readLine(in)
	if err == nil {
		err = json.Unmarshal(line, &req)
	}
	return req, in, err
}

// readLine reads one line of bounded length.
func readLine(in *bufio.Reader) (line []byte, err error) {
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		if err != bufio.ErrBufferFull {
			return line, err
		}
		if len(line) > maxRequest {
			return nil, fail(ErrInvalid, "the line is too long")
		}
	}
}

// track remembers a connection so that the end of the container ends it.
func (c *control) track(conn duplex) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.conns[conn] = connIdle
	return true
}

// begin says that an answer is due; false when the container is ending: then the connection is closed
// already, and what nobody would hear of is not done.
func (c *control) begin(conn net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.conns[conn] = connOwed
	_ = conn.SetDeadline(time.Time{})
	return true
}

func (c *control) mark(conn duplex, s connState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.conns[conn]; !ok {
		return
	}
	c.conns[conn] = s
	if c.closed && s == connStream {
		_ = conn.Close() // what would follow is no more
	}
	c.calls.Broadcast()
}

func (c *control) drop(conn duplex) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.conns, conn)
	_ = conn.Close()
	c.calls.Broadcast()
}

// endCalls stops listening and ends all calls but sessions.
func (c *control) endCalls() {
	if c == nil {
		return
	}
	if c.l != nil {
		_ = c.l.Close() // which removes it
	}
	c.cancel()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.closed = true
		for conn, s := range c.conns {
			switch s {
			case connOwed:
				_ = conn.SetWriteDeadline(time.Now().Add(closeTimeout))
			case connIdle, connStream:
				_ = conn.Close()
			}
		}
		c.removeDir()
	}
	for c.busyLocked() {
		c.calls.Wait()
	}
}

func (c *control) busyLocked() bool {
	for _, s := range c.conns {
		if s != connSession {
			return true
		}
	}
	return false
}

func (c *control) removeDir() {
	if c.dir != "" {
		_ = os.Remove(c.dir)
		c.dir = ""
	}
}

// close waits for the sessions too, which have been told to end.
func (c *control) close() {
	if c != nil {
		c.endCalls()
		c.wg.Wait()
	}
}
