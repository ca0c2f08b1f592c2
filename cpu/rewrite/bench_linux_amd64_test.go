package rewrite_test

import (
	"os"
	"testing"
)

func TestK(t *testing.T) {
	p := newProgram(t)
	th := p.load(t, os.Getenv("K"), "k")
	defer th.Close()
	if err := p.run(t, th); err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", p.out.String())
}
