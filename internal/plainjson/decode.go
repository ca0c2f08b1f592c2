package plainjson

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Unmarshal is json.Unmarshal.
func Unmarshal(b []byte, v any) error {
	if !json.Valid(b) {
		return json.Unmarshal(b, new(json.RawMessage)) // which tells why
	}
	dst := reflect.ValueOf(v)
	if dst.Kind() != reflect.Pointer || dst.IsNil() {
		return &json.InvalidUnmarshalError{Type: reflect.TypeOf(v)}
	}
	d := decoder{b: b}
	return d.value(dst.Elem())
}

// decoder reads valid JSON.
type decoder struct {
	b []byte
	i int
}

// space goes to the next byte that counts and returns it.
func (d *decoder) space() byte {
	for {
		switch c := d.b[d.i]; c {
		case ' ', '\t', '\r', '\n':
			d.i++
		default:
			return c
		}
	}
}

// skip goes over a value and returns its text.
func (d *decoder) skip() []byte {
	d.space()
	start, depth := d.i, 0
	for {
		switch d.b[d.i] {
		case '"':
			d.literal()
		case '{', '[':
			depth++
			d.i++
		case '}', ']':
			depth--
			d.i++
		case ',', ':', ' ', '\t', '\r', '\n':
			d.i++
		default: // a number, true, false or null
			for d.i < len(d.b) && !strings.ContainsRune(",]} \t\r\n", rune(d.b[d.i])) {
				d.i++
			}
		}
		if depth == 0 {
			return d.b[start:d.i]
		}
	}
}

// literal goes over a string. It is plain when its text is what is between the
// quotes.
func (d *decoder) literal() (lit []byte, plain bool) {
	start := d.i
	plain = true
	for d.i++; d.b[d.i] != '"'; d.i++ {
		if c := d.b[d.i]; c == '\\' {
			plain = false
			d.i++
		} else if c >= utf8.RuneSelf {
			plain = false
		}
	}
	d.i++
	return d.b[start:d.i], plain
}

// text reads a string.
func (d *decoder) text() string {
	lit, plain := d.literal()
	if plain {
		return string(lit[1 : len(lit)-1])
	}
	var s string
	_ = json.Unmarshal(lit, &s) // it is valid
	return s
}

// value reads the next value into dst.
func (d *decoder) value(dst reflect.Value) error {
	c := d.space()
	if decodes(dst.Type()) && (c != 'n' || dst.Kind() != reflect.Pointer) {
		return json.Unmarshal(d.skip(), dst.Addr().Interface())
	}
	if c == 'n' {
		d.skip()
		switch dst.Kind() {
		case reflect.Pointer, reflect.Map, reflect.Slice:
			dst.SetZero()
		}
		return nil
	}
	if dst.Kind() == reflect.Pointer {
		if dst.IsNil() {
			dst.Set(reflect.New(dst.Type().Elem()))
		}
		return d.value(dst.Elem())
	}
	switch c {
	case '{':
		return d.object(dst)
	case '[':
		return d.array(dst)
	case '"':
		return d.string(dst)
	}
	return scalar(dst, string(d.skip()))
}

func misfit(what string, dst reflect.Value) error {
	return fmt.Errorf("json: cannot unmarshal %s into a value of type %v", what, dst.Type())
}

// scalar stores a number or a bool.
func scalar(dst reflect.Value, s string) error {
	switch k := dst.Kind(); {
	case k == reflect.Bool && (s == "true" || s == "false"):
		dst.SetBool(s == "true")
		return nil
	case dst.CanInt():
		if n, err := strconv.ParseInt(s, 10, dst.Type().Bits()); err == nil {
			dst.SetInt(n)
			return nil
		}
	case dst.CanUint():
		if n, err := strconv.ParseUint(s, 10, dst.Type().Bits()); err == nil {
			dst.SetUint(n)
			return nil
		}
	}
	return misfit(s, dst)
}

func (d *decoder) string(dst reflect.Value) error {
	s := d.text()
	switch {
	case dst.Kind() == reflect.String:
		dst.SetString(s)
		return nil
	case dst.Kind() == reflect.Slice && dst.Type().Elem().Kind() == reflect.Uint8:
		b, err := base64.StdEncoding.DecodeString(s)
		if err == nil {
			dst.SetBytes(b)
		}
		return err
	}
	return misfit("string", dst)
}

// more goes to the next element, or over the closing bracket.
func (d *decoder) more(closing byte) bool {
	c := d.space()
	if c == ',' {
		d.i++
		c = d.space()
	}
	if c == closing {
		d.i++
		return false
	}
	return true
}

func (d *decoder) array(dst reflect.Value) error {
	if dst.Kind() != reflect.Slice {
		return misfit("array", dst)
	}
	d.i++
	n := 0
	for ; d.more(']'); n++ {
		if n >= dst.Cap() {
			dst.Grow(1)
		}
		if n >= dst.Len() {
			dst.SetLen(n + 1)
		}
		if err := d.value(dst.Index(n)); err != nil {
			return err
		}
	}
	dst.SetLen(n)
	if n == 0 {
		dst.Set(reflect.MakeSlice(dst.Type(), 0, 0))
	}
	return nil
}

func (d *decoder) object(dst reflect.Value) error {
	t := dst.Type()
	switch {
	case t.Kind() == reflect.Map && t.Key().Kind() == reflect.String:
		return d.mapping(dst, t)
	case t.Kind() != reflect.Struct:
		return misfit("object", dst)
	}
	d.i++
	hint := 0 // documents have their fields in the order of the struct, mostly
	for d.more('}') {
		key := d.text()
		d.space()
		d.i++ // the colon
		f, at := find(dst, key, hint)
		if !f.IsValid() {
			d.skip()
			continue
		}
		hint = at + 1
		if err := d.value(f); err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) mapping(dst reflect.Value, t reflect.Type) error {
	if dst.IsNil() {
		dst.Set(reflect.MakeMap(t))
	}
	d.i++
	for d.more('}') {
		key := reflect.ValueOf(d.text()).Convert(t.Key())
		d.space()
		d.i++ // the colon
		elem := reflect.New(t.Elem()).Elem()
		if err := d.value(elem); err != nil {
			return err
		}
		dst.SetMapIndex(key, elem)
	}
	return nil
}

// find finds the field of a struct that a key means: by its very name, starting
// to look at hint, else by letters of another case. at is its index, or that
// before the embedded struct that has it.
func find(v reflect.Value, key string, hint int) (f reflect.Value, at int) {
	if f, at = match(v, hint, func(name string) bool { return name == key }); !f.IsValid() {
		f, at = match(v, 0, func(name string) bool { return strings.EqualFold(name, key) })
	}
	return f, at
}

func match(v reflect.Value, hint int, is func(string) bool) (reflect.Value, int) {
	t := v.Type()
	n := t.NumField()
	embedded := false
	for k := range n {
		i := (hint + k) % n
		f, ok := fieldOf(t.Field(i))
		embedded = embedded || f.inline
		if ok && !f.inline && is(f.name) {
			return v.Field(i), i
		}
	}
	for i := 0; embedded && i < n; i++ {
		if f, _ := fieldOf(t.Field(i)); f.inline {
			if in, _ := match(v.Field(i), 0, is); in.IsValid() {
				return in, i - 1
			}
		}
	}
	return reflect.Value{}, 0
}
