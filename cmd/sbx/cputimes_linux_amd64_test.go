package main

import (
	"fmt"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"testing"
	"time"
)

// TestTimesOfMany: programs that wait for processors, as there are more of them, have not used more than the host gave to all together.
func TestTimesOfMany(t *testing.T) {
	w := newRealWorld(t)
	for _, c := range []struct{ name, spin string }{
		{"computes", `perl -e 'for (1 .. 6000000) { $x += $_ }'`},
		{"asks for the time", `perl -e 'use Time::HiRes "time"; for (1 .. 1500000) { $x += time }'`},
	} {
		cmd := exec.Command(w.command, "run", "--rm", "--network", "none", "debian:12", "bash", "-c",
			fmt.Sprintf("for i in $(seq %d); do %s & done; wait; times", 4*runtime.NumCPU(), c.spin))
		cmd.Env = w.env
		out, err := cmd.Output()
		m := regexp.MustCompile(`(\d+)m([\d.]+)s (\d+)m([\d.]+)s\n$`).FindSubmatch(out)
		if err != nil || m == nil {
			t.Fatalf("%s: %v: %s", c.name, err, out)
		}
		var got time.Duration
		for i := range 2 {
			minutes, _ := strconv.ParseFloat(string(m[1+2*i]), 64)
			seconds, _ := strconv.ParseFloat(string(m[2+2*i]), 64)
			got += time.Duration((60*minutes + seconds) * float64(time.Second))
		}
		host := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		t.Logf("%s: %v, the host says %v", c.name, got, host)
		if got > 2*host || got < host/2 {
			t.Errorf("%s: %v, and the host says %v", c.name, got, host)
		}
	}
}
