package main

import (
	"slices"
	"testing"
)

func TestSplit(t *testing.T) {
	for command, want := range map[string][]string{
		"sbx run --rm --userland=builtin large sh -c :": {"sbx", "run", "--rm", "--userland=builtin", "large", "sh", "-c", ":"},
		"A=1 sbx version": {"sh", "-c", "A=1 sbx version"},
		"sbx ps >x":       {"sh", "-c", "sbx ps >x"},
		"bash -c 'a b'":   {"sh", "-c", "bash -c 'a b'"},
		"true":            {"true"},
	} {
		if got := split(command); !slices.Equal(got, want) {
			t.Errorf("%s: %q", command, got)
		}
	}
}
