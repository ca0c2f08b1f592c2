//go:build !linux

package socket

import (
	"net"
	"os"

	"github.com/sbxrun/sbx/abi/linux"
)

// wire is what only Linux has: connections of other hosts are copied from and to.
type wire struct{ s *Socket }

// poller likewise.
type poller struct{}

func (st *Stack) newWire(net.Conn) *wire { return nil }

func (w *wire) close(bool)                                 {}
func (w *wire) send([]byte, int) (int, error)              { return 0, errGone }
func (w *wire) recv([]byte, int) (int, error)              { return 0, errGone }
func (w *wire) sendFile(*os.File, int64, int) (int, error) { return 0, errGone }
func (w *wire) ready() (uint32, error)                     { return 0, errGone }
func (w *wire) shutdown(int) error                         { return linux.ENOTCONN }
func (w *wire) setInt(int, int, int)                       {}
func (w *wire) takeErr() linux.Errno                       { return 0 }
func (w *wire) connected() bool                            { return false }
func (w *wire) tcpState() int                              { return linux.TCP_CLOSE }
func (w *wire) unread() (int, error)                       { return 0, nil }
func (w *wire) unsent() (int, error)                       { return 0, nil }
func (w *wire) hasUrgent(bool) bool                        { return false }
func (w *wire) atMark() (bool, error)                      { return false, nil }

func (p *poller) close() {}
func (p *poller) hear()  {}
