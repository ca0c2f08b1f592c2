package proc

import (
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// numbers is what may differ between two kernels in one line.
var numbers = regexp.MustCompile(`-?\b(0x)?[0-9a-f]*[0-9][0-9a-f]*(\.[0-9]+)?\b`)

// shape is a line with every number, and the spaces that align it, made the same.
func shape(line string) string {
	return regexp.MustCompile(` +`).ReplaceAllString(numbers.ReplaceAllString(line, "N"), " ")
}

// keys are the names before the colon or the first space.
func keys(text string) []string {
	var out []string
	for _, l := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		out = append(out, strings.TrimSpace(l[:max(strings.IndexAny(l+":", ": \t"), 0)]))
	}
	return out
}

func hostFile(t *testing.T, path string) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the host has no /proc to compare with")
	}
	b, err := os.ReadFile("/proc/" + path)
	if err != nil {
		t.Skipf("the host's /proc: %v", err)
	}
	return string(b)
}

// TestShapeLikeHost compares files whose lines differ in nothing but numbers.
func TestShapeLikeHost(t *testing.T) {
	fs := New(9, newFake())
	for _, path := range []string{"10/stat", "10/statm", "10/io", "10/oom_score_adj", "10/limits", "10/fdinfo/0", "uptime", "loadavg",
		"sys/kernel/random/uuid", "sys/kernel/random/boot_id", "sys/fs/file-nr", "sys/kernel/pid_max", "sys/kernel/ostype"} {
		t.Run(path, func(t *testing.T) {
			host := strings.Split(hostFile(t, strings.Replace(path, "10/", "self/", 1)), "\n")
			ours := strings.Split(content(t, fs, path), "\n")
			if len(host) < len(ours) {
				t.Fatalf("%d lines, host %d", len(ours), len(host))
			}
			for i := range ours {
				o, h := shape(ours[i]), shape(host[i])
				if strings.Contains(path, "limits") {
					o, h = strings.ReplaceAll(o, "unlimited", "N"), strings.ReplaceAll(h, "unlimited", "N")
				}
				o, h = regexp.MustCompile(`\(.*\) [A-Z]`).ReplaceAllString(o, "(comm) S"), regexp.MustCompile(`\(.*\) [A-Z]`).ReplaceAllString(h, "(comm) S")
				if strings.Contains(path, "random/") {
					o, h = "", ""
					if len(ours[i]) != len(host[i]) {
						t.Errorf("%q, host %q", ours[i], host[i])
					}
				}
				if o != h {
					t.Errorf("line %d: %q, host %q", i, ours[i], host[i])
				}
			}
		})
	}
}

// TestKeysLikeHost compares the names of lines, in order, where the host's
// kernel may know a few more or fewer.
func TestKeysLikeHost(t *testing.T) {
	fs := New(9, newFake())
	for _, path := range []string{"10/status", "meminfo", "cpuinfo", "stat"} {
		t.Run(path, func(t *testing.T) {
			host := keys(hostFile(t, strings.Replace(path, "10/", "self/", 1)))
			ours := keys(content(t, fs, path))
			at := 0
			missing := []string{}
			for _, k := range ours {
				i := slices.Index(host[at:], k)
				if i < 0 {
					missing = append(missing, k)
					continue
				}
				at += i + 1
			}
			if len(missing) > 3 {
				t.Errorf("not in the host's, or in another order: %q", missing)
			}
		})
	}
}

func TestAlignment(t *testing.T) {
	fs := New(9, newFake())
	for path, line := range map[string]string{
		"meminfo": `^MemTotal:         524288 kB$`, "10/status": `^VmSize:	   10240 kB$`,
		"10/limits": `^Max open files            1024                 unlimited            files     $`,
	} {
		if !regexp.MustCompile("(?m)" + line).MatchString(content(t, fs, path)) {
			t.Errorf("%s: no line %s in\n%s", path, line, content(t, fs, path))
		}
	}
	if runtime.GOOS == "linux" {
		if at := strings.IndexByte(hostFile(t, "self/maps"), '/'); at != strings.IndexByte(content(t, fs, "10/maps"), '/') {
			t.Errorf("the host's maps have the path in column %d", at)
		}
		host := strings.SplitN(hostFile(t, "meminfo"), "\n", 2)[0]
		ours := strings.SplitN(content(t, fs, "meminfo"), "\n", 2)[0]
		if len(host) != len(ours) {
			t.Errorf("%q, host %q", ours, host)
		}
	}
}

func TestContents(t *testing.T) {
	fs := New(9, newFake())
	for path, want := range map[string]string{
		"10/stat":                    "10 (sh) S 1 10 1 34819 10 4194304 0 0 0 0 200 0 0 0 20 0 1 0 123 10485760 1024 1024 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
		"10/cmdline":                 "sh\x00-c\x00true\x00",
		"10/environ":                 "A=1\x00B=2\x00",
		"10/statm":                   "2560 1024 0 0 0 2560 0\n",
		"10/fdinfo/1":                "pos:\t3\nflags:\t02000001\nmnt_id:\t0\nino:\t0\nx:\t1\n",
		"10/mounts":                  "overlay / overlay rw,relatime 0 0\nnone /a\\040b\\134c tmpfs ro,nosuid,nodev 0 0\n",
		"10/mountinfo":               "1 0 0:40 / / rw,relatime - overlay overlay rw\n2 1 0:41 /sub /a\\040b\\134c ro,nosuid,nodev - tmpfs none ro\n",
		"10/cgroup":                  "0::/\n",
		"10/comm":                    "sh\n",
		"10/oom_adj":                 "0\n",
		"10/setgroups":               "allow\n",
		"10/maps":                    "00400000-00401000 r-xp 00000000 00:28 12                                 /bin/sh\n7ffff7dd5000-7ffff7dd7000 rw-p 00000000 00:00 0 \n",
		"uptime":                     "90.12 170.00\n",
		"loadavg":                    "0.50 0.25 0.13 1/4 33\n",
		"version":                    "Linux version 6.12.0-sbx (root@sbx) (sbx) #1 SMP\n",
		"cmdline":                    "sbx\n",
		"sys/kernel/hostname":        "box\n",
		"sys/kernel/domainname":      "(none)\n",
		"sys/kernel/osrelease":       "6.12.0-sbx\n",
		"sys/kernel/threads-max":     "100\n",
		"sys/vm/overcommit_memory":   "1\n",
		"sys/fs/file-max":            "9999\n",
		"sys/kernel/cap_last_cap":    "40\n",
		"sys/dev/tty/legacy_tiocsti": "0\n",
	} {
		if got := content(t, fs, path); got != want {
			t.Errorf("%s:\n%q, want\n%q", path, got, want)
		}
	}
	status := content(t, fs, "10/status")
	for _, want := range []string{"Name:\tsh\n", "Umask:\t0022\n", "State:\tS (sleeping)\n", "Uid:\t1000\t1001\t1002\t1003\n",
		"Groups:\t4 24 \n", "SigBlk:\t8000000000000000\n", "CapEff:\t00000000000001ff\n", "Cpus_allowed:\t3\n", "Cpus_allowed_list:\t0-1\n"} {
		if !strings.Contains(status, want) {
			t.Errorf("status lacks %q", want)
		}
	}
	if s := content(t, fs, "33/status"); strings.Contains(s, "VmSize") || !strings.HasPrefix(s, "Name:\ta) b\\n(c\n") || !strings.Contains(s, "Z (zombie)") {
		t.Errorf("a zombie's status:\n%s", s)
	}
}

func TestSysAndCgroup(t *testing.T) {
	src := newFake()
	sys, cg := NewSys(10, src), NewCgroup(11, src)
	for path, want := range map[string]string{
		"devices/system/cpu/online": "0-1\n", "devices/system/cpu/cpu1/topology/core_id": "1\n",
		"devices/virtual/net/lo/mtu": "65536\n", "devices/system/node/node0/cpumap": "3\n",
		"kernel/mm/transparent_hugepage/hpage_pmd_size": "2097152\n",
	} {
		if got := content(t, sys, path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	for path, want := range map[string]string{
		"memory.max": "536870912\n", "pids.max": "100\n", "cpu.max": "150000 100000\n", "cgroup.procs": "1\n10\n33\n",
		"cgroup.threads": "1\n10\n12\n33\n", "pids.current": "4\n", "memory.current": "222298112\n",
	} {
		if got := content(t, cg, path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	if s, err := sys.Readlink(walk(t, sys, "class/net/lo")); s != "../../devices/virtual/net/lo" || err != nil {
		t.Errorf("lo: %q, %v", s, err)
	}
}

func TestCPUMask(t *testing.T) {
	for n, want := range map[int]string{1: "1", 2: "3", 8: "ff", 32: "ffffffff", 33: "1,ffffffff", 64: "ffffffff,ffffffff", 70: "3f,ffffffff,ffffffff"} {
		if got := cpuMask(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
