package syscalls

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestNumbers holds the table against the header that C programs are compiled with.
func TestNumbers(t *testing.T) {
	var header []byte
	var err error
	for _, p := range []string{"/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "/usr/include/asm/unistd_64.h"} {
		if header, err = os.ReadFile(p); err == nil {
			break
		}
	}
	if err != nil {
		t.Skip("no header of system calls on this host: ", err)
	}
	found := regexp.MustCompile(`(?m)^#define __NR_(\w+) (\d+)$`).FindAllSubmatch(header, -1)
	if len(found) < 300 {
		t.Fatalf("the header names %d calls", len(found))
	}
	for _, m := range found {
		n, _ := strconv.Atoi(string(m[2]))
		if n < len(table) && table[n].name != string(m[1]) {
			t.Errorf("%d is %q, and %s in the header", n, table[n].name, m[1])
		}
	}
}

// TestTableIsWhole: every number that Linux gave has its name, none twice, and a
// handler's arguments can be shown.
func TestTableIsWhole(t *testing.T) {
	seen := map[string]int{}
	for n, e := range table {
		given := n <= 334 || n >= 424
		switch {
		case given && e.name == "":
			t.Errorf("%d has no name", n)
		case !given && e.name != "":
			t.Errorf("%d is %s: there is no such number", n, e.name)
		}
		if e.name == "" {
			continue
		}
		if other, ok := seen[e.name]; ok {
			t.Errorf("%s is %d and %d", e.name, other, n)
		}
		seen[e.name] = n
		if len(e.args) > 6 || strings.Trim(e.args, "dxuspmfS") != "" {
			t.Errorf("%s: arguments %q", e.name, e.args)
		}
	}
}
