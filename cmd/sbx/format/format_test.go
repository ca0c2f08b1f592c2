package format

import (
	"strings"
	"testing"
	"time"
)

var fruit = List{
	Columns: []Column{{"ID", "FRUIT ID"}, {"Name", "NAME"}, {"Extra", "EXTRA"}},
	Default: []string{"ID", "Name"},
}

func TestPrint(t *testing.T) {
	rows := []Row{{"ID": "1", "Name": "apple", "Extra": "<x>", "labels": map[string]string{"k": "v"}}, {"ID": "22", "Name": "fig", "Extra": "", "labels": map[string]string{}}}
	for _, c := range []struct{ format, want string }{
		{"", "FRUIT ID   NAME\n1          apple\n22         fig\n"},
		{"table", "FRUIT ID   NAME\n1          apple\n22         fig\n"},
		{"json", `{"Extra":"<x>","ID":"1","Name":"apple"}` + "\n" + `{"Extra":"","ID":"22","Name":"fig"}` + "\n"},
		{"{{.Name}}", "apple\nfig\n"},
		{`{{.ID}}\t{{upper .Name}}`, "1\tAPPLE\n22\tFIG\n"},
		{`table {{.Name}}\t{{.ID}}`, "NAME      FRUIT ID\napple     1\nfig       22\n"},
		{"{{json .Extra}}", "\"<x>\"\n\"\"\n"},
		{"{{truncate .Name 2}}|{{title .Name}}|{{pad .ID 1 2}}|", "ap|Apple| 1  |\nfi|Fig| 22  |\n"},
		{`{{.Label "k"}}.{{.Label "none"}}`, "v.\n.\n"},
	} {
		var b strings.Builder
		if err := fruit.Print(&b, c.format, rows); err != nil {
			t.Errorf("%q: %v", c.format, err)
		}
		if b.String() != c.want {
			t.Errorf("%q:\ngot  %q\nwant %q", c.format, b.String(), c.want)
		}
	}
	var b strings.Builder
	if err := fruit.Print(&b, "", nil); err != nil || b.String() != "FRUIT ID   NAME\n" {
		t.Errorf("empty table: %q, %v", b.String(), err)
	}
}

func TestPrintErrors(t *testing.T) {
	for _, f := range []string{"{{", "{{.Nope}}", "{{nofunc .ID}}", "table {{.Nope}}", "{{call .ID}}"} {
		var b strings.Builder
		if err := fruit.Print(&b, f, []Row{{"ID": "1"}}); err == nil || !strings.HasPrefix(err.Error(), "template parsing error: ") {
			t.Errorf("%q: error %v", f, err)
		}
	}
}

func TestWords(t *testing.T) {
	now := time.Unix(1_000_000_000, 0)
	for _, c := range []struct{ got, want string }{
		{Ago(now, now.Add(-2*time.Second)), "2 seconds ago"},
		{Ago(now, now.Add(-36*24*time.Hour)), "5 weeks ago"},
		{Ago(now, time.Time{}), "N/A"},
		{Size(103_000_000), "103MB"},
		{Size(1_234), "1.23kB"},
		{Size(0), "0B"},
		{Ellipsis("nginx -g daemon off;", 20), "nginx -g daemon off;"},
		{Ellipsis("nginx -g 'daemon off;'", 20), "nginx -g 'daemon of…"},
		{Ellipsis("ab", 1), "…"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestJSONAndValue(t *testing.T) {
	var b strings.Builder
	v := map[string]any{"A": []int{1}, "B": "<&>"}
	if err := JSON(&b, v); err != nil || b.String() != "{\n    \"A\": [\n        1\n    ],\n    \"B\": \"<&>\"\n}\n" {
		t.Errorf("JSON: %q %v", b.String(), err)
	}
	b.Reset()
	if err := Value(&b, `{{.B}} {{json .A}}`, v); err != nil || b.String() != "<&> [1]\n" {
		t.Errorf("Value: %q %v", b.String(), err)
	}
	if err := Value(&b, `{{.C}}`, v); err == nil {
		t.Error("a missing key is accepted")
	}
}

func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"{{.ID}}", "table {{.ID}}\\t{{.Name}}", "{{json .}}", "{{range .}}x{{end}}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 200 {
			return
		}
		var b strings.Builder
		_ = fruit.Print(&b, s, []Row{{"ID": "1", "Name": "n", "Extra": "e"}})
	})
}
