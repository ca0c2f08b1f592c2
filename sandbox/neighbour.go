package sandbox

import (
	"context"
	"net"

	"github.com/sbxrun/sbx/abi/linux"
)

func (e *Engine) connectControl(ctx context.Context, id string, st State, a connectArgs) (net.Conn, error) {
	return nil, linux.EHOSTUNREACH
}

// ConnectNetwork
func (e *Engine) ConnectNetwork(ctx context.Context, ref string, a Attachment) error { return nil }

// DisconnectNetwork
func (e *Engine) DisconnectNetwork(ctx context.Context, ref, network string) error { return nil }
