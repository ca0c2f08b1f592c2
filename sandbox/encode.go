package sandbox

import (
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// encode is json.Marshal, without HTML's escapes, for what each start of a container writes
// once: json.Marshal first works out an encoder for every type that the value could hold,
// which takes several times as long as writing it.
func encode(v any) ([]byte, error) {
	return appendJSON(make([]byte, 0, 1024), reflect.ValueOf(v))
}

// appendJSON appends one value. What it does not know is left to encoding/json.
func appendJSON(b []byte, v reflect.Value) ([]byte, error) {
	if !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		return append(b, "null"...), nil
	}
	t := v.Type()
	if t.NumMethod() > 0 {
		switch m := v.Interface().(type) {
		case json.Marshaler:
			text, err := m.MarshalJSON()
			return append(b, text...), err
		case encoding.TextMarshaler:
			text, err := m.MarshalText()
			return appendQuoted(b, string(text)), err
		}
	}
	switch v.Kind() {
	case reflect.String:
		return appendQuoted(b, v.String()), nil
	case reflect.Bool:
		return strconv.AppendBool(b, v.Bool()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.AppendInt(b, v.Int(), 10), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return strconv.AppendUint(b, v.Uint(), 10), nil
	case reflect.Pointer, reflect.Interface:
		return appendJSON(b, v.Elem())
	case reflect.Struct:
		b, err := appendFields(append(b, '{'), v)
		return append(b, '}'), err
	case reflect.Slice:
		if v.IsNil() {
			return append(b, "null"...), nil
		}
		if t.Elem().Kind() != reflect.Uint8 { // else it is base64
			return appendList(b, v)
		}
	case reflect.Map:
		if m, ok := v.Interface().(map[string]string); ok && m != nil {
			return appendWords(b, m), nil
		}
	}
	text, err := json.Marshal(v.Interface())
	return append(b, text...), err
}

func appendList(b []byte, v reflect.Value) (_ []byte, err error) {
	b = append(b, '[')
	for i := range v.Len() {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendJSON(b, v.Index(i)); err != nil {
			return b, err
		}
	}
	return append(b, ']'), nil
}

// appendFields appends the fields of a struct, and among them those of structs in it that
// have no name.
func appendFields(b []byte, v reflect.Value) (_ []byte, err error) {
	t := v.Type()
	for i := range t.NumField() {
		f, fv := t.Field(i), v.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			if b, err = appendFields(b, fv); err != nil {
				return b, err
			}
			continue
		case !f.IsExported(), name == "-", options == "omitempty" && omitted(fv), options == "omitzero" && fv.IsZero():
			continue
		case name == "":
			name = f.Name
		}
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b = append(appendQuoted(b, name), ':')
		if b, err = appendJSON(b, fv); err != nil {
			return b, err
		}
	}
	return b, nil
}

// omitted is what omitempty goes by.
func omitted(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

func appendWords(b []byte, m map[string]string) []byte {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	b = append(b, '{')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendQuoted(b, name), ':')
		b = appendQuoted(b, m[name])
	}
	return append(b, '}')
}

// appendQuoted appends a string of JSON. Bytes that are no UTF-8 become U+FFFD.
func appendQuoted(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"', r == '\\':
			b = append(b, '\\', byte(r))
		case r < ' ' && strings.ContainsRune("\b\f\n\r\t", r):
			b = append(b, '\\', "bfnrt"[strings.IndexRune("\b\f\n\r\t", r)])
		case r < ' ':
			b = append(b, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}
