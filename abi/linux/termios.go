package linux

// NCCS is the number of control characters in the kernel's struct termios.
const NCCS = 19

// Termios is the kernel's struct termios, ioctl_tty(2). The speeds are in Cflag
// (CBAUD).
//
// Ispeed and Ospeed are of struct termios2 (TCGETS2); they count only where the speed in Cflag is BOTHER.
type Termios struct {
	Iflag, Oflag, Cflag, Lflag uint32
	Line                       uint8
	Cc                         [NCCS]uint8
	Ispeed, Ospeed             uint32
}

// Winsize is struct winsize, TIOCGWINSZ.
type Winsize struct{ Row, Col, Xpixel, Ypixel uint16 }

// Input flags.
const (
	IGNBRK  = 0o1
	BRKINT  = 0o2
	IGNPAR  = 0o4
	PARMRK  = 0o10
	INPCK   = 0o20
	ISTRIP  = 0o40
	INLCR   = 0o100
	IGNCR   = 0o200
	ICRNL   = 0o400
	IUCLC   = 0o1000
	IXON    = 0o2000
	IXANY   = 0o4000
	IXOFF   = 0o10000
	IMAXBEL = 0o20000
	IUTF8   = 0o40000
)

// Output flags.
const (
	OPOST  = 0o1
	OLCUC  = 0o2
	ONLCR  = 0o4
	OCRNL  = 0o10
	ONOCR  = 0o20
	ONLRET = 0o40
	OFILL  = 0o100
	OFDEL  = 0o200
	NLDLY  = 0o400
	CRDLY  = 0o3000
	TABDLY = 0o14000
	TAB3   = 0o14000
	XTABS  = 0o14000
	BSDLY  = 0o20000
	VTDLY  = 0o40000
	FFDLY  = 0o100000
)

// Control flags and speeds.
const (
	CBAUD   = 0o10017
	B0      = 0
	B50     = 0o1
	B75     = 0o2
	B110    = 0o3
	B134    = 0o4
	B150    = 0o5
	B200    = 0o6
	B300    = 0o7
	B600    = 0o10
	B1200   = 0o11
	B1800   = 0o12
	B2400   = 0o13
	B4800   = 0o14
	B9600   = 0o15
	B19200  = 0o16
	B38400  = 0o17
	B57600  = 0o10001
	B115200 = 0o10002
	B230400 = 0o10003
	BOTHER  = 0o10000
	IBSHIFT = 16 // of the speed of input, if it is another
	CSIZE   = 0o60
	CS5     = 0
	CS6     = 0o20
	CS7     = 0o40
	CS8     = 0o60
	CSTOPB  = 0o100
	CREAD   = 0o200
	PARENB  = 0o400
	PARODD  = 0o1000
	HUPCL   = 0o2000
	CLOCAL  = 0o4000
	CRTSCTS = 0o20000000000
)

// Local flags.
const (
	ISIG    = 0o1
	ICANON  = 0o2
	XCASE   = 0o4
	ECHO    = 0o10
	ECHOE   = 0o20
	ECHOK   = 0o40
	ECHONL  = 0o100
	NOFLSH  = 0o200
	TOSTOP  = 0o400
	ECHOCTL = 0o1000
	ECHOPRT = 0o2000
	ECHOKE  = 0o4000
	FLUSHO  = 0o10000
	PENDIN  = 0o40000
	IEXTEN  = 0o100000
	EXTPROC = 0o200000
)

// Indexes into Cc.
const (
	VINTR    = 0
	VQUIT    = 1
	VERASE   = 2
	VKILL    = 3
	VEOF     = 4
	VTIME    = 5
	VMIN     = 6
	VSWTC    = 7
	VSTART   = 8
	VSTOP    = 9
	VSUSP    = 10
	VEOL     = 11
	VREPRINT = 12
	VDISCARD = 13
	VWERASE  = 14
	VLNEXT   = 15
	VEOL2    = 16
)

// When tcsetattr(3) takes effect; what tcflush(3) throws away; tcflow(3).
const (
	TCSANOW   = 0
	TCSADRAIN = 1
	TCSAFLUSH = 2

	TCIFLUSH  = 0
	TCOFLUSH  = 1
	TCIOFLUSH = 2

	TCOOFF = 0
	TCOON  = 1
	TCIOFF = 2
	TCION  = 3
)

// Requests of ioctl(2) on terminals and files.
const (
	TCGETS      = 0x5401
	TCSETS      = 0x5402
	TCSETSW     = 0x5403
	TCSETSF     = 0x5404
	TCGETA      = 0x5405
	TCSETA      = 0x5406
	TCSETAW     = 0x5407
	TCSETAF     = 0x5408
	TCSBRK      = 0x5409
	TCXONC      = 0x540a
	TCFLSH      = 0x540b
	TIOCEXCL    = 0x540c
	TIOCNXCL    = 0x540d
	TIOCSCTTY   = 0x540e
	TIOCGPGRP   = 0x540f
	TIOCSPGRP   = 0x5410
	TIOCOUTQ    = 0x5411
	TIOCSTI     = 0x5412
	TIOCGWINSZ  = 0x5413
	TIOCSWINSZ  = 0x5414
	FIONREAD    = 0x541b
	TIOCINQ     = FIONREAD
	FIONBIO     = 0x5421
	TIOCNOTTY   = 0x5422
	TIOCGSID    = 0x5429
	TIOCGPTN    = 0x80045430
	TIOCSPTLCK  = 0x40045431
	TIOCGPTPEER = 0x5441
	TIOCPKT     = 0x5420
	TIOCSETD    = 0x5423
	TIOCGETD    = 0x5424
	TCSBRKP     = 0x5425
	TIOCVHANGUP = 0x5437
	TIOCSIG     = 0x40045436
	TIOCGPKT    = 0x80045438
	TIOCGPTLCK  = 0x80045439
	TIOCGEXCL   = 0x80045440
	TCGETS2     = 0x802c542a
	TCSETS2     = 0x402c542b
	TCSETSW2    = 0x402c542c
	TCSETSF2    = 0x402c542d
	FIONCLEX    = 0x5450
	FIOCLEX     = 0x5451
	FIOASYNC    = 0x5452

	TIOCGLCKTRMIOS = 0x5456
	TIOCSLCKTRMIOS = 0x5457
)

// DefaultTermios returns what a fresh pseudo-terminal of Linux has.
func DefaultTermios() Termios {
	t := Termios{
		Iflag: ICRNL | IXON,
		Oflag: OPOST | ONLCR,
		Cflag: B38400 | CS8 | CREAD,
		Lflag: ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
		Cc: [NCCS]uint8{VINTR: 3, VQUIT: 28, VERASE: 127, VKILL: 21, VEOF: 4, VMIN: 1, VSTART: 17, VSTOP: 19,
			VSUSP: 26, VREPRINT: 18, VDISCARD: 15, VWERASE: 23, VLNEXT: 22},
	}
	t.SetSpeeds()
	return t
}
