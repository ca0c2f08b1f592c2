package main

import (
	"flag"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

var addPasses = flag.Bool("addpasses", false, "add the tests that pass to the lists in testdata/gostd and testdata/suites")

// passList is a file of the tests of somebody's suite that passed in sbx once, a line each. They have to from then on, unless they fail on
// this machine without sbx too. It only grows.
type passList struct {
	path  string
	names map[string]bool
}

func loadPasses(t *testing.T, path string) passList {
	t.Helper()
	l := passList{path, map[string]bool{}}
	text, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for name := range strings.FieldsSeq(string(text)) {
		l.names[name] = true
	}
	return l
}

// hold holds what tests did in sbx, PASS, FAIL or SKIP, against what they once did and, where that differs, what they do without it, which
// native finds out for those that it is given; with all set, for all that did not pass. said is what the tests said.
func (l passList) hold(t *testing.T, got map[string]string, native func(names []string) map[string]string, all bool, said []byte) {
	t.Helper()
	var lost, ask []string
	for name := range l.names {
		if v := got[name]; v != "PASS" && v != "SKIP" {
			lost = append(lost, name)
		}
	}
	slices.Sort(lost)
	if ask = lost; all {
		for name, v := range got {
			if v != "PASS" && !l.names[name] {
				ask = append(ask, name)
			}
		}
	}
	var without map[string]string
	if len(ask) > 0 {
		without = native(ask)
	}
	for _, name := range lost {
		if without[name] == "PASS" {
			t.Errorf("%s passed once, passes without sbx, and did not pass (%q)", name, got[name])
		}
	}
	if t.Failed() {
		t.Logf("%s", tail(said))
	}
	for _, name := range slices.Sorted(maps.Keys(without)) {
		if without[name] == "PASS" && got[name] != "PASS" && !l.names[name] {
			t.Logf("%s passes without sbx only (%q)", name, got[name])
		}
	}
	by := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		v := got[name]
		by[v] = append(by[v], name)
		if v == "PASS" && !l.names[name] && !*addPasses {
			t.Logf("%s passes and is not in %s: go test with -addpasses", name, l.path)
		}
	}
	t.Logf("%d tests passed, %d were skipped, %d failed: %s", len(by["PASS"]), len(by["SKIP"]), len(by["FAIL"]), strings.Join(by["FAIL"], " "))
	if *addPasses {
		l.add(t, got)
	}
}

// add writes what passed to the list.
func (l passList) add(t *testing.T, got map[string]string) {
	t.Helper()
	for name, verdict := range got {
		if verdict == "PASS" {
			l.names[name] = true
		}
	}
	if err := os.WriteFile(l.path, []byte(strings.Join(slices.Sorted(maps.Keys(l.names)), "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}
