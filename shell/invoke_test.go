package shell

import (
	"strings"
	"testing"
)

func TestInvocation(t *testing.T) {
	script := "echo $0 $# $1\nif [ \"$1\" = x ]; then\n  exit 5\nfi\n"
	tests := []struct {
		name, stdin string
		argv        []string
		out, errs   string
		status      int
	}{
		{"command", "", []string{"sh", "-c", "echo $0 $1", "name", "arg"}, "name arg\n", "", 0},
		{"flags", "", []string{"sh", "-ec", "false; echo no"}, "", "", 1},
		{"option by name", "", []string{"bash", "-o", "pipefail", "-c", "false | true"}, "", "", 1},
		{"script", "", []string{"sh", "/tmp/w/s", "x"}, "/tmp/w/s 1 x\n", "", 5},
		{"script in place", "", []string{"/tmp/w/s", "y"}, "/tmp/w/s 1 y\n", "", 0},
		{"stdin", "echo a\nread x\nhello\nfoo\n", []string{"bash"}, "a\n", "bash: foo: command not found\n", 127},
		{"stdin line by line", "read x\nhello\necho \"<$x>\"\ncat\nrest\n", []string{"sh"}, "<hello>\nrest\n", "", 0},
		{"s with args", "echo $# $2\n", []string{"sh", "-s", "a", "b"}, "2 b\n", "", 0},
		{"missing script", "", []string{"bash", "nosuch"}, "", "bash: nosuch: No such file or directory\n", 127},
		{"missing script sh", "", []string{"dash", "nosuch"}, "", "dash: 0: cannot open nosuch: No such file\n", 2},
		{"bad option", "", []string{"bash", "-c"}, "", "bash: -c: option requires an argument\n", 2},
		{"syntax", "", []string{"bash", "-c", "echo a; )"}, "", "bash: -c: line 1: syntax error near unexpected token `)'\nbash: -c: line 1: `echo a; )'\n", 2},
		{"script goes on after an abort", "", []string{"bash", "/tmp/w/div"}, "next\n", "/tmp/w/div: line 1: 1 / 0: division by 0 (error token is \"0\")\n", 0},
		{"login", "", []string{"bash", "-lc", "echo $p"}, "profile\n", "", 0},
		{"login name", "echo $p\n", []string{"-sh"}, "profile\n", "", 0},
		{"applet", "", []string{"/bin/printf", "%s|", "a", "b"}, "a|b|", "", 0},
		{"applet test", "", []string{"/bin/[", "a", "=", "b", "]"}, "", "", 1},
		{"not found", "", []string{"sh", "-c", "foo"}, "", "sh: 1: foo: not found\n", 127},
		{"not found bash", "", []string{"bash", "-c", "\nfoo"}, "", "bash: line 2: foo: command not found\n", 127},
		{"killed", "", []string{"sh", "-c", "kill -TERM $$; echo no"}, "", "", 143},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.file("/tmp/w/s", "#!/bin/sh\n"+script, 0o755)
			w.file("/tmp/w/div", "echo $((1/0))\necho next\n", 0o644)
			w.file("/etc/profile", "p=profile\n", 0o644)
			argv := tt.argv
			if argv[0] == "-sh" {
				w.file("/bin/-sh", "#!sbx:builtin sh\n", 0o755)
			}
			r := w.run(tt.stdin, argv...)
			if r.stdout != tt.out || r.stderr != tt.errs || r.status.ShellCode() != tt.status {
				t.Errorf("got %q %q %d, want %q %q %d", r.stdout, r.stderr, r.status.ShellCode(), tt.out, tt.errs, tt.status)
			}
		})
	}
}

// TestBounds runs scripts that try to take all memory, stack or time.
func TestBounds(t *testing.T) {
	tests := []struct{ name, script, want string }{
		{"function recursion", "f() { f; }; f", "recursion"},
		{"eval recursion", "e='eval \"$e\"'; eval \"$e\"", "recursion"},
		{"source recursion", "echo '. ./r' >r; . ./r", "recursion"},
		{"braces", "echo {1..10000000}", "too large"},
		{"braces product", "echo {1..1000}{1..1000}{1..1000}", "too large"},
		{"arithmetic recursion", "x=x; echo $((x))", "recursion"},
		{"arithmetic depth", "x=$(printf '%*s' 100000 ''); echo $((${x// /(}1))", "recursion"},
		{"parser depth", "eval \"$(printf '%*s' 100000 '' | { IFS= read -r x; echo \"${x// /(}\"; })\"", "complex"},
		{"arithmetic parser", "eval \"echo \\$((${x:-$(printf '%*s' 90000 '' | { IFS= read -r x; echo \"${x// /-}\"; })}1))\"", "complex"},
		{"doubling", "x=xxxxxxxxxxxxxxxx; while :; do x=$x$x || exit; done", "large"},
		{"array", "a[9223372036854775807]=1; a+=(2); echo ${#a[@]}", ""},
		{"printf width", "printf '%99999999999d' 1 | { read -n 1 x; echo ok; }", ""},
		{"extglob", "x=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab; [[ $x == *(*(*(a)))c ]] || echo no", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newWorld(t).run("", "bash", "-c", tt.script)
			if !strings.Contains(r.stderr, tt.want) {
				t.Errorf("stderr %.300q has no %q (stdout %.100q, status %#x)", r.stderr, tt.want, r.stdout, r.status)
			}
		})
	}
}

// TestNoHost checks that nothing here can reach the host by the os package.
func TestNoHost(t *testing.T) {
	checkImports(t, ".", "match", "edit")
}
