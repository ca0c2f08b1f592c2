package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

func TestGeneratedFileIsCurrent(t *testing.T) {
	want, err := generate("../table")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../table_gen.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("table_gen.go is not what the tables say: run go generate in cpu/x86")
	}
}

func TestRowsThatAreRefused(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"zz add Eb,Gb", "opcode"},
		{"00 add Xb,Gb", "place"},
		{"00 add Eb,Gb ; what", "attribute"},
		{"00 add Eb,Gb ; r=rzx", "register"},
		{"00 /1 /2 add Eb", "exclude"},
		{"00 np 66 add Eb", "exclude"},
		{"00 add Mb,Rb", "exclude"},
		{"00 add Ib,Ib", "second immediate"},
		{"00 add", ""},
		{"00", "mnemonic"},
		{"vex.00 np add", "one-byte"},
		{"vex.0f.00 add", "VEX row needs"},
		{"00 add Eb,Gb\n00 sub Eb,Gb", "both match"},
		{"00 add Eb,Gb\n00 /1 sub Eb", "both match"},
		{"00 /1 sub Eb\n00 add Eb,Gb", ""},
		{"00 add Eb,Gb\n00 f3 sub al", "without ModRM"},
	} {
		rows, err := parse("t", c.text)
		if err == nil {
			_, err = layOut(rows)
		}
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%q: %v", c.text, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%q: error %v, want one with %q", c.text, err, c.want)
		}
	}
}
