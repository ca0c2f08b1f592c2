package syscalls

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite docs/syscalls.md")

const pageFile = "../../docs/syscalls.md"

// The levels of support, in the order in which the page counts them.
var levels = [...]struct{ name, means string }{
	{"full", "as on Linux, as far as a program in a container can tell"},
	{"partial", "works, but for what the note says"},
	{"refused", "`EPERM`, which is what the root of a container without privileges gets from Docker too"},
	{"absent", "`ENOSYS`, as a kernel answers that was built without it or is older"},
}

func level(e entry) string {
	is := func(f func(*call) (int64, error)) bool {
		return reflect.ValueOf(e.do).Pointer() == reflect.ValueOf(f).Pointer()
	}
	switch {
	case e.do == nil, is(absent):
		return "absent"
	case is(denied):
		return "refused"
	case e.note != "":
		return "partial"
	}
	return "full"
}

// page is docs/syscalls.md.
func page() string {
	count := map[string]int{}
	var rows strings.Builder
	for n, e := range table {
		if e.name != "" {
			count[level(e)]++
			fmt.Fprintf(&rows, "| %d | `%s` | %s | %s |\n", n, e.name, level(e), strings.ReplaceAll(e.note, "|", `\|`))
		}
	}
	var b strings.Builder
	b.WriteString(`# System calls

<!-- Made from kernel/syscalls/table.go by "go generate ./kernel/syscalls": change that. -->

What the kernel of sbx does for programs of machine code: the system calls of Linux on x86-64 by their numbers. Scripts of the
built-in shell and WASM modules reach the same kernel by its methods, without numbers. ` + "`sbx run --strace`" + ` shows the calls that a
program makes, and at its end those that are not here.

| support | calls | meaning |
|---|---|---|
`)
	for _, l := range levels {
		fmt.Fprintf(&b, "| %s | %d | %s |\n", l.name, count[l.name], l.means)
	}
	b.WriteString("\n| number | name | support | note |\n|---|---|---|---|\n")
	return b.String() + rows.String()
}

// TestPage: the page tells what the table has.
func TestPage(t *testing.T) {
	if *update {
		if err := os.WriteFile(pageFile, []byte(page()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(pageFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != page() {
		t.Error("docs/syscalls.md is not what the table says: go generate ./kernel/syscalls")
	}
}

// TestNotes: whatever is not as on Linux says what, and what is says nothing.
func TestNotes(t *testing.T) {
	for _, e := range table {
		if l := level(e); e.do != nil && l != "full" && e.note == "" {
			t.Errorf("%s is %s and does not say why", e.name, l)
		}
		if strings.ContainsAny(e.note, "\n") {
			t.Errorf("%s: a note is one line", e.name)
		}
	}
}
