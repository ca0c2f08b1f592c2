package shell

import "testing"

// A program that was started in the background runs under its own name when
// the next command looks; real shells leave a moment.
func TestBackgroundName(t *testing.T) {
	w := newWorld(t)
	r := w.run("", "sh", "-c", `i=0
while [ $i -lt 50 ]; do
	sleep 9 >/dev/null & p=$!
	read -r name </proc/$p/comm
	[ "$name" = sleep ] || echo "$name"
	kill $p; i=$((i+1))
done; echo end`)
	if r.stdout != "end\n" {
		t.Errorf("got %q, %q", r.stdout, r.stderr)
	}
}
