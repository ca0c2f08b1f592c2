package wasi_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
)

// sttyScript goes through what people and scripts do with stty. Standard
// output is a pipe; the terminal is standard input.
const sttyScript = `exec 2>&1
stty; stty -a; stty -g; stty raw; stty; stty -a; stty sane; stty -echo; stty
stty rows 30 cols 100; stty size; stty speed; stty bogus; echo $?; stty intr ^A; stty; stty cbreak; stty
stty min; stty erase 0x7f susp undef; stty rows x; stty -echo icanon -a; stty -raw; stty; stty nl; stty; stty ek; stty; stty 0:0
stty dec; stty crt; stty 9600; stty; stty eol M-a; stty lnext ^-; stty -a; stty lcase; stty; stty -LCASE; stty; stty -tabs; stty -a
stty tabs cr1 nl1; stty; stty 115200; stty speed; stty ispeed 9600 ospeed 9600; stty; stty -a -g; stty cols; stty cooked; stty; stty litout
stty sane; stty -a; stty </dev/null; stty cols 40; stty -a; stty min 300; stty -decctlq; stty; stty intr ab; stty 7777; saved=$(stty -g); stty -echo; stty "$saved"; stty
`

// TestSttyGNU holds stty against GNU's on a terminal of the host.
func TestSttyGNU(t *testing.T) {
	if v, err := exec.Command("stty", "--version").Output(); err != nil || !bytes.Contains(v, []byte("coreutils) 9.1")) {
		t.Skip("the reference is GNU coreutils 9.1")
	}
	master, slave, err := hostPTY()
	if err != nil {
		t.Skip("no terminal on this host:", err)
	}
	defer master.Close()
	defer slave.Close()
	cmd := exec.Command("sh", "-c", sttyScript)
	cmd.Stdin = slave
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C"}
	want, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}

	w := newWorld(t)
	tty, in, err := w.k.NewTTY(linux.Winsize{Row: 24, Col: 80})
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	var out bytes.Buffer
	f := w.k.HostWriter(&out)
	p, err := w.k.Start(kernel.Exec{Argv: []string{"sh", "-c", sttyScript}, Env: []string{"PATH=/bin", "LC_ALL=C"}, Cred: kernel.RootCredentials(),
		Files: []*kernel.File{in, f, f}, CTTY: tty, NewSession: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	if _, err := p.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	a, b := strings.Split(string(want), "\n"), strings.Split(out.String(), "\n")
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || a[i] != b[i] {
			t.Fatalf("line %d:\ngnu: %q\nsbx: %q", i+1, a[i:min(len(a), i+3)], b[i:min(len(b), i+3)])
		}
	}
}

// hostPTY opens a terminal of the host, 24 by 80.
func hostPTY() (master, slave *os.File, err error) {
	if master, err = os.OpenFile("/dev/ptmx", os.O_RDWR, 0); err != nil {
		return nil, nil, err
	}
	fd := int(master.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80})
	}
	if err != nil {
		master.Close()
		return nil, nil, err
	}
	return master, slave, nil
}
