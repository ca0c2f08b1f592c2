package kernel

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel/socket"
)

// DialOpts are what a connection may have besides an address.
type DialOpts struct {
	Timeout time.Duration // of connection and handshake; 0 is none of our own
	TLS     *TLS          // nil: the bare stream
}

// Dial opens a connection through Config.Dial, which is where the policy is:
// "tcp" or "udp", a host name or address, a port. Signals interrupt it. A
// failed handshake of TLS is a *TLSError.
func (t *Task) Dial(network, host string, port int, o DialOpts) (int, error) {
	if err := t.enter(); err != nil {
		return -1, err
	}
	if port < 0 || port > 65535 || host == "" {
		return -1, linux.EINVAL
	}
	if t.k.cfg.Dial == nil {
		return -1, linux.ENETUNREACH
	}
	var slot connSlot
	err := t.background(false, func(ctx context.Context) (err error) {
		defer func() {
			if recover() != nil {
				err = linux.EIO
			}
		}()
		if o.Timeout > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, o.Timeout)
			defer cancel()
		}
		c, err := t.k.cfg.Dial(ctx, network, net.JoinHostPort(host, strconv.Itoa(port)))
		if err == nil && o.TLS != nil {
			c, err = o.TLS.handshake(ctx, t.k.clock, c, host)
		}
		if err == nil {
			slot.put(c)
		}
		return err
	})
	if err != nil {
		slot.abandon()
		if te := (*TLSError)(nil); errors.As(err, &te) {
			return -1, te
		}
		return -1, socket.Errno(err)
	}
	f, _, err := t.k.newSock(0, func(wake func(uint32)) (*socket.Socket, error) {
		return t.k.net.Attach(slot.c, t.ucred(), wake)
	})
	if err != nil {
		_ = slot.c.Close()
		return -1, err
	}
	return t.install(f, 0, true)
}

// connSlot hands a connection over, or closes it when nobody waits any more.
type connSlot struct {
	mu   sync.Mutex
	c    net.Conn
	gone bool
}

func (s *connSlot) put(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.c = c; s.gone {
		_ = c.Close()
	}
}

func (s *connSlot) abandon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone = true; s.c != nil {
		_ = s.c.Close()
	}
}
