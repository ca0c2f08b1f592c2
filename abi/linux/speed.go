package linux

// speeds are the B constants' bits per second, termios(3); those from B57600 on have the bit BOTHER.
var speeds = [...]uint32{
	0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400,
	57600, 115200, 230400, 460800, 500000, 576000, 921600, 1000000, 1152000, 1500000, 2000000, 2500000, 3000000, 3500000, 4000000,
}

// SetSpeeds makes Ispeed and Ospeed what Cflag says, except where that is BOTHER.
func (t *Termios) SetSpeeds() {
	speed := func(code, other uint32) uint32 {
		switch code &= CBAUD; {
		case code == BOTHER:
			return other
		case code&BOTHER != 0:
			code = code&^BOTHER + 15
		}
		if code >= uint32(len(speeds)) {
			return 0
		}
		return speeds[code]
	}
	t.Ospeed = speed(t.Cflag, t.Ospeed)
	if in := t.Cflag >> IBSHIFT & CBAUD; in == B0 {
		t.Ispeed = t.Ospeed
	} else {
		t.Ispeed = speed(in, t.Ispeed)
	}
}
