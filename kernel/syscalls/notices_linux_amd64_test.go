package syscalls_test

import (
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
)

func TestUrgentStreams(t *testing.T) { compare(t, "urgent", "streams") }
func TestUrgentInline(t *testing.T)  { compare(t, "urgent", "inline") }
func TestUrgentSignals(t *testing.T) { compare(t, "urgent", "notices") }

// TestUrgentUnix: older kernels lose bytes that are out of band, or go on reading where one was.
func TestUrgentUnix(t *testing.T) {
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	var major, minor int
	if fmt.Sscanf(string(release), "%d.%d", &major, &minor); major*1000+minor < 6016 {
		t.Skipf("the host is Linux %s", release)
	}
	for _, part := range []string{"streams", "inline", "notices", "others"} {
		t.Run(part, func(t *testing.T) { compare(t, "urgent", part, "unix") })
	}
}

// has skips a test where the host has no such sockets.
func has(t *testing.T, domain, protocol int) {
	t.Helper()
	fd, err := syscall.Socket(domain, syscall.SOCK_DGRAM, protocol)
	if err != nil {
		t.Skip(err)
	}
	syscall.Close(fd)
}

func TestControlMessages(t *testing.T) {
	for _, c := range []struct {
		name             string
		args             []string
		domain, protocol int
	}{
		{"IPv4", []string{"4"}, linux.AF_INET, 0}, {"IPv6", []string{"6"}, linux.AF_INET6, 0},
		{"IPv4 Lite", []string{"4", "lite"}, linux.AF_INET, linux.IPPROTO_UDPLITE}, {"IPv6 Lite", []string{"6", "lite"}, linux.AF_INET6, linux.IPPROTO_UDPLITE},
		{"coverage", []string{"coverage"}, linux.AF_INET, linux.IPPROTO_UDPLITE},
	} {
		t.Run(c.name, func(t *testing.T) {
			has(t, c.domain, c.protocol)
			compare(t, "ipcmsg", c.args...)
		})
	}
}

// TestDirectoryNotes is F_NOTIFY, and inotify of the same.
func TestDirectoryNotes(t *testing.T) {
	if on, err := os.ReadFile("/proc/sys/fs/dir-notify-enable"); err != nil || on[0] != '1' {
		t.Skip("the host has no F_NOTIFY")
	}
	for _, part := range []string{"kinds", "queued", "records", "edges"} {
		t.Run(part, func(t *testing.T) { compare(t, "dnotify", part) })
	}
}
