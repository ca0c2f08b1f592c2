// Package format prints rows the way docker's command line does: aligned
// tables, JSON lines, or a Go template given by the user. It owns --format
// and the words for times, sizes and cut columns; it knows no sandbox.
package format

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"text/template"
	"unicode/utf8"
)

// A Column is one placeholder of a list: its name in templates, its heading
// in tables.
type Column struct{ Name, Head string }

// A Row is one line of a list: the value of every placeholder by name. Keys
// that begin in lower case are for templates only: JSON leaves them out. The
// labels, for {{.Label "key"}}, are a map[string]string under "labels".
type Row map[string]any

// MarshalJSON writes the placeholders in alphabetical order.
func (r Row) MarshalJSON() ([]byte, error) {
	out := make(map[string]any, len(r))
	for k, v := range r {
		if k[0] < 'a' || k[0] > 'z' {
			out[k] = v
		}
	}
	text, err := toJSON(out)
	return []byte(text), err
}

// A List is what a verb can print, with the columns that its default table
// has.
type List struct {
	Columns []Column // every placeholder
	Default []string // names of the columns of the table
}

// Print writes rows as format says: "" or "table" is the default table,
// "json" one object a line, "table TEMPLATE" an aligned table of the template,
// anything else the template for each row.
func (l List) Print(w io.Writer, format string, rows []Row) error {
	switch {
	case format == "" || format == "table":
		return l.table(w, rows)
	case format == "json" || format == "{{json .}}":
		return l.json(w, rows)
	}
	text, aligned := strings.CutPrefix(format, "table ")
	t, err := Template(strings.TrimSpace(Unescape(text)))
	if err != nil {
		return err
	}
	if !aligned {
		return each(w, t, rows)
	}
	tw := newTable(w)
	if err := l.heading(tw, t); err != nil {
		return err
	}
	if err := each(tw, t, rows); err != nil {
		return err
	}
	return tw.Flush()
}

func newTable(w io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(w, 10, 1, 3, ' ', 0) }

func (l List) table(w io.Writer, rows []Row) error {
	heads := l.heads()
	tw := newTable(w)
	for i, name := range l.Default {
		fmt.Fprint(tw, sep(i), heads[name])
	}
	fmt.Fprintln(tw)
	for _, r := range rows {
		for i, name := range l.Default {
			fmt.Fprint(tw, sep(i), r[name])
		}
		fmt.Fprintln(tw)
	}
	return tw.Flush()
}

func sep(i int) string {
	if i == 0 {
		return ""
	}
	return "\t"
}

func (l List) heads() Row {
	out := Row{}
	for _, c := range l.Columns {
		out[c.Name] = c.Head
	}
	out["labels"] = map[string]string{}
	return out
}

// heading runs the template over the headings.
func (l List) heading(w io.Writer, t *template.Template) error { return each(w, t, []Row{l.heads()}) }

func (l List) json(w io.Writer, rows []Row) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, r := range rows {
		if err := enc.Encode(r); err != nil {
			return err
		}
	}
	return nil
}

func each(w io.Writer, t *template.Template, rows []Row) error {
	for _, r := range rows {
		var b bytes.Buffer
		if err := t.Execute(&b, r); err != nil {
			return templateError(err)
		}
		b.WriteByte('\n')
		if _, err := w.Write(b.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// Template parses a user's template with docker's functions. A placeholder
// that does not exist is an error when it is used.
func Template(text string) (*template.Template, error) {
	t, err := template.New("").Option("missingkey=error").Funcs(template.FuncMap{
		"json":    toJSON,
		"join":    join,
		"lower":   strings.ToLower,
		"upper":   strings.ToUpper,
		"title":   title,
		"split":   strings.Split,
		"println": fmt.Sprintln,
		"pad": func(s string, before, after int) string {
			return strings.Repeat(" ", before) + s + strings.Repeat(" ", after)
		},
		"truncate": truncate,
	}).Parse(strings.ReplaceAll(text, ".Label ", "index .labels "))
	if err != nil {
		return nil, templateError(err)
	}
	return t, nil
}

func templateError(err error) error {
	msg := strings.TrimPrefix(err.Error(), "template: ")
	msg = strings.TrimPrefix(msg, ":")
	return fmt.Errorf("template parsing error: %s", msg)
}

func toJSON(v any) (string, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err
}

// join joins strings, also those in a slice of anything.
func join(list any, sep string) string {
	switch l := list.(type) {
	case []string:
		return strings.Join(l, sep)
	case []any:
		parts := make([]string, len(l))
		for i, v := range l {
			parts[i] = fmt.Sprint(v)
		}
		return strings.Join(parts, sep)
	}
	return fmt.Sprint(list)
}

func title(s string) string {
	if s == "" {
		return s
	}
	r, n := utf8.DecodeRuneInString(s)
	return strings.ToUpper(string(r)) + s[n:]
}

func truncate(s string, n int) string {
	if r := []rune(s); n >= 0 && len(r) > n {
		return string(r[:n])
	}
	return s
}

// Unescape turns \t and \n, which a shell's quotes keep as two characters,
// into the characters they name.
func Unescape(s string) string {
	return strings.NewReplacer(`\t`, "\t", `\n`, "\n").Replace(s)
}

// Value prints one object through a template: what inspect --format does.
func Value(w io.Writer, text string, v any) error {
	t, err := Template(Unescape(text))
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, v); err != nil {
		return templateError(err)
	}
	b.WriteByte('\n')
	_, err = w.Write(b.Bytes())
	return err
}

// JSON prints v as docker's inspect does: indented by four, nothing escaped
// for HTML.
func JSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "    ")
	return enc.Encode(v)
}
