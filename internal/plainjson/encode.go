package plainjson

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// Marshal is json.Marshal.
func Marshal(v any) ([]byte, error) {
	return appendValue(make([]byte, 0, 1024), reflect.ValueOf(v))
}

func appendValue(b []byte, v reflect.Value) ([]byte, error) {
	switch t := v.Type(); {
	case t == timeType:
		return appendTime(b, v.Interface().(time.Time))
	case encodes(t):
		text, err := json.Marshal(v.Interface())
		return append(b, text...), err
	}
	switch v.Kind() {
	case reflect.Bool:
		return strconv.AppendBool(b, v.Bool()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.AppendInt(b, v.Int(), 10), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return strconv.AppendUint(b, v.Uint(), 10), nil
	case reflect.String:
		return appendString(b, v.String()), nil
	case reflect.Pointer:
		if !v.IsNil() {
			return appendValue(b, v.Elem())
		}
		return append(b, "null"...), nil
	case reflect.Slice:
		return appendSlice(b, v)
	case reflect.Map:
		return appendMap(b, v)
	case reflect.Struct:
		return appendStruct(b, v)
	}
	return nil, fmt.Errorf("plainjson: no encoding of %v", v.Kind())
}

func appendTime(b []byte, t time.Time) ([]byte, error) {
	b, err := t.AppendText(append(b, '"'))
	return append(b, '"'), err
}

func appendStruct(b []byte, v reflect.Value) ([]byte, error) {
	b, err := appendFields(append(b, '{'), v, nil)
	return closing(b, '}'), err
}

// closing puts the bracket in the place of a comma after the last element.
func closing(b []byte, bracket byte) []byte {
	if n := len(b) - 1; n >= 0 && b[n] == ',' {
		b[n] = bracket
		return b
	}
	return append(b, bracket)
}

// appendFields writes the fields, each with a comma behind it, but for those
// whose names a struct around v has.
func appendFields(b []byte, v reflect.Value, around []reflect.Type) (_ []byte, err error) {
	t := v.Type()
	for i := range t.NumField() {
		f, ok := fieldOf(t.Field(i))
		if !ok {
			continue
		}
		val := v.Field(i)
		if f.inline {
			if b, err = appendFields(b, val, append(around, t)); err != nil {
				return b, err
			}
			continue
		}
		omit := false
		switch f.options {
		case "omitempty":
			omit = isEmpty(val)
		case "":
		default:
			return b, fmt.Errorf("plainjson: no encoding of option %q", f.options)
		}
		if omit || slices.ContainsFunc(around, func(t reflect.Type) bool { return has(t, f.name) }) {
			continue
		}
		b = append(appendString(b, f.name), ':')
		if b, err = appendValue(b, val); err != nil {
			return b, err
		}
		b = append(b, ',')
	}
	return b, nil
}

// has tells whether a struct has a field itself.
func has(t reflect.Type, name string) bool {
	for i := range t.NumField() {
		if f, ok := fieldOf(t.Field(i)); ok && f.name == name {
			return true
		}
	}
	return false
}

func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

func appendSlice(b []byte, v reflect.Value) (_ []byte, err error) {
	if v.IsNil() {
		return append(b, "null"...), nil
	}
	if v.Type().Elem().Kind() == reflect.Uint8 {
		b = base64.StdEncoding.AppendEncode(append(b, '"'), v.Bytes())
		return append(b, '"'), nil
	}
	b = append(b, '[')
	for i := range v.Len() {
		if b, err = appendValue(b, v.Index(i)); err != nil {
			return b, err
		}
		b = append(b, ',')
	}
	return closing(b, ']'), nil
}

func appendMap(b []byte, v reflect.Value) (_ []byte, err error) {
	if v.IsNil() {
		return append(b, "null"...), nil
	}
	if v.Type().Key().Kind() != reflect.String {
		return nil, fmt.Errorf("plainjson: no encoding of a key of kind %v", v.Type().Key().Kind())
	}
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int {
		if a.String() < b.String() {
			return -1
		}
		return 1
	})
	b = append(b, '{')
	for _, k := range keys {
		b = append(appendString(b, k.String()), ':')
		if b, err = appendValue(b, v.MapIndex(k)); err != nil {
			return b, err
		}
		b = append(b, ',')
	}
	return closing(b, '}'), nil
}

// appendString writes a literal, with encoding/json's escapes.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\r':
			b = append(b, `\r`...)
		case r == '\t':
			b = append(b, `\t`...)
		case r == '\b':
			b = append(b, `\b`...)
		case r == '\f':
			b = append(b, `\f`...)
		case r < ' ' || r == '<' || r == '>' || r == '&':
			b = append(b, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		case r == '\u2028' || r == '\u2029':
			b = append(b, `\u202`...)
			b = append(b, hex[r&15])
		case r == utf8.RuneError && n == 1:
			b = append(b, `\ufffd`...)
		default:
			b = append(b, s[:n]...)
		}
		s = s[n:]
	}
	return append(b, '"')
}
