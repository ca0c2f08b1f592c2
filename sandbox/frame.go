package sandbox

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"

	"github.com/sbxrun/sbx/abi/linux"
)

// A frame of the control protocol is one byte for its kind, four bytes for the
// length of its body (big endian), and the body of at most maxFrame bytes.
// Frames of an unknown kind are skipped.

// frameKind is the first byte of a frame.
type frameKind byte

// The kinds of frames. To the container:
const (
	frameStdin  frameKind = 'i' // bytes that are typed
	frameEOF    frameKind = 'c' // standard input has ended; no body
	frameSize   frameKind = 'r' // rows and columns, two bytes each
	frameSignal frameKind = 's' // one byte, the number of a signal for the program
	frameDetach frameKind = 'd' // the caller leaves and the program goes on; no body
)

// From the container; frameExit is the last one.
const (
	frameStdout frameKind = 'o'
	frameStderr frameKind = 'e'
	frameExit   frameKind = 'x' // JSON: exitInfo
)

const (
	frameHead = 5
	maxFrame  = 64 << 10
)

// exitInfo is the body of frameExit: the program's exit status, and what went
// wrong in sbx itself.
type exitInfo struct {
	Code  int    `json:"code"`
	Error string `json:"error,omitempty"`
	Kind  string `json:"kind,omitempty"`
}

// frame is one frame ready to be written.
type frame []byte

func newFrame(k frameKind, body []byte) frame {
	f := make(frame, frameHead, frameHead+len(body))
	f[0] = byte(k)
	binary.BigEndian.PutUint32(f[1:], uint32(len(body)))
	return append(f, body...)
}

func exitFrame(code int, err error) frame {
	info := exitInfo{Code: code}
	if err != nil {
		info.Error, info.Kind = err.Error(), kindOf(err)
		if len(info.Error) > maxFrame/8 { // JSON may need six times as much
			info.Error = info.Error[:maxFrame/8]
		}
	}
	b, _ := json.Marshal(info)
	return newFrame(frameExit, b)
}

func sizeFrame(ws linux.Winsize) frame {
	var b [4]byte
	binary.BigEndian.PutUint16(b[:], ws.Row)
	binary.BigEndian.PutUint16(b[2:], ws.Col)
	return newFrame(frameSize, b[:])
}

func parseSize(body []byte) (ws linux.Winsize, ok bool) {
	if len(body) != 4 {
		return ws, false
	}
	ws.Row, ws.Col = binary.BigEndian.Uint16(body), binary.BigEndian.Uint16(body[2:])
	return ws, true
}

// readFrame reads one frame into buf, which holds maxFrame bytes.
func readFrame(in *bufio.Reader, buf []byte) (frameKind, []byte, error) {
	var head [frameHead]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(head[1:])
	if n > maxFrame {
		return 0, nil, fmt.Errorf("a frame of %d bytes", n)
	}
	body := buf[:n]
	if _, err := io.ReadFull(in, body); err != nil {
		return 0, nil, err
	}
	return frameKind(head[0]), body, nil
}
