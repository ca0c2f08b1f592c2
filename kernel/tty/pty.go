package tty

import "github.com/sbxrun/sbx/abi/linux"

// What a master in packet mode reads first, TIOCPKT in ioctl_tty(2).
const (
	TIOCPKT_DATA       = 0
	TIOCPKT_FLUSHREAD  = 1
	TIOCPKT_FLUSHWRITE = 2
	TIOCPKT_STOP       = 4
	TIOCPKT_START      = 8
	TIOCPKT_NOSTOP     = 16
	TIOCPKT_DOSTOP     = 32
	TIOCPKT_IOCTL      = 64
)

// SetLock is TIOCSPTLCK: a locked slave cannot be opened. ENOTTY on the slave.
func (e *End) SetLock(locked bool) error {
	if !e.master {
		return linux.ENOTTY
	}
	e.t.mu.Lock()
	e.t.locked = locked
	e.t.mu.Unlock()
	return nil
}

// Locked is TIOCGPTLCK.
func (e *End) Locked() (bool, error) {
	if !e.master {
		return false, linux.ENOTTY
	}
	e.t.mu.Lock()
	defer e.t.mu.Unlock()
	return e.t.locked, nil
}

// SetPacket is TIOCPKT: packet mode of the master. ENOTTY on the slave.
func (e *End) SetPacket(on bool) error {
	if !e.master {
		return linux.ENOTTY
	}
	t := e.t
	t.mu.Lock()
	defer t.unlock()
	if on && !t.packet {
		t.pktStatus = 0
	}
	t.packet = on
	t.wakes.master = true
	return nil
}

// Packet is TIOCGPKT.
func (e *End) Packet() (bool, error) {
	if !e.master {
		return false, linux.ENOTTY
	}
	e.t.mu.Lock()
	defer e.t.mu.Unlock()
	return e.t.packet, nil
}

// SignalSlave is TIOCSIG: the master signals the foreground group.
func (e *End) SignalSlave(sig linux.Signal) error {
	if !e.master {
		return linux.ENOTTY
	}
	if sig != linux.SIGINT && sig != linux.SIGQUIT && sig != linux.SIGTSTP {
		return linux.EINVAL
	}
	t := e.t
	t.mu.Lock()
	defer t.unlock()
	t.signalGroup(t.pgrp, sig)
	return nil
}
