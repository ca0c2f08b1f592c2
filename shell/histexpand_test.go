package shell

import "testing"

// The expectations are bash 5.2's.
func TestExpandHistory(t *testing.T) {
	sh := &Shell{history: history{lines: []string{"echo one two", "ls -l 'a b' c", "cat x"}}}
	for _, c := range []struct{ in, out, err string }{
		{"plain\n", "plain\n", ""}, {"!!\n", "cat x\n", ""}, {"sudo !! y\n", "sudo cat x y\n", ""},
		{"!1\n", "echo one two\n", ""}, {"!-2\n", "ls -l 'a b' c\n", ""}, {"!ec\n", "echo one two\n", ""}, {"!?l 'a?:2\n", "'a b'\n", ""},
		{"!e:2\n", "two\n", ""}, {"vi !$\n", "vi x\n", ""}, {"vi !*\n", "vi x\n", ""}, {"!ls:*\n", "-l 'a b' c\n", ""}, {"!!:0 q\n", "cat q\n", ""},
		{"echo '!!' \"!! a\"\n", "echo '!!' \"cat x a\"\n", ""}, {"echo \\!!\n", "echo \\!!\n", ""}, {"echo hi!\n", "echo hi!\n", ""}, {"! true\n", "! true\n", ""},
		{"echo \"hi!\"\n", "echo \"hi!\"\n", ""}, {"echo $! ${!x} [!a]*\n", "echo $! ${!x} [!a]*\n", ""}, {"a!=b\n", "a!=b\n", ""},
		{"!nope\n", "", "!nope: event not found"}, {"!99\n", "", "!99: event not found"}, {"!0\n", "", "!0: event not found"},
		{"^x^y\n", "cat y\n", ""}, {"^cat^tac^ z\n", "tac x z\n", ""}, {"^q^y\n", "", ":s^q^y: substitution failed"}, {"!!:7\n", "", ":7: bad word specifier"},
		{"echo '!", "echo '!", ""}, {"!", "!", ""}, {"\"!", "\"!", ""}, {"^", "^", ""}, {"!99999999999999999999", "", "!99999999999999999999: event not found"},
	} {
		out, _, err := sh.expandHistory(c.in)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if out != c.out || got != c.err {
			t.Errorf("%q: %q, %q, want %q, %q", c.in, out, got, c.out, c.err)
		}
	}
}

func FuzzExpandHistory(f *testing.F) {
	for _, s := range []string{"!!", "!?x?:3", "^a^b^c", "!-1$ '!' \"!!\"", "!:*"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		sh := &Shell{history: history{lines: []string{"", s, "echo one two"}}}
		sh.expandHistory(s)
	})
}
