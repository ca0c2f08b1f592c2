// Package plainjson reads and writes JSON as encoding/json does, without its
// preparations: that package makes an encoder and a decoder for every type at
// first use, which for the documents of one container takes half a millisecond,
// a seventh of its start. Here values are walked by reflection each time.
//
// It is for small documents of structs, pointers, slices, maps with string keys,
// strings, numbers without fractions, bools, and types that encode themselves, with
// the tags name, omitempty and "-". Other kinds and tags are an error. No
// two names of one struct may differ by case only. For these,
// [Unmarshal] accepts, refuses and stores what json.Unmarshal does, but stops at
// the first value that does not fit; and [Marshal] writes the same bytes. Tests
// and a fuzz target hold both against encoding/json.
package plainjson

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"time"
)

var (
	timeType        = reflect.TypeFor[time.Time]()
	marshaler       = reflect.TypeFor[json.Marshaler]()
	textMarshaler   = reflect.TypeFor[encoding.TextMarshaler]()
	unmarshaler     = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// encodes tells whether values of a type encode themselves.
func encodes(t reflect.Type) bool {
	return t.PkgPath() != "" && (t.Implements(marshaler) || t.Implements(textMarshaler))
}

// decodes does for decoding, into a value that has an address.
func decodes(t reflect.Type) bool {
	if t.PkgPath() == "" {
		return false
	}
	t = reflect.PointerTo(t)
	return t.Implements(unmarshaler) || t.Implements(textUnmarshaler)
}

// field is one field of a struct as JSON has it.
type field struct {
	name    string
	options string
	inline  bool // an embedded struct whose fields are its owner's
}

// fieldOf is false for a field that JSON does not have.
func fieldOf(f reflect.StructField) (field, bool) {
	tag := f.Tag.Get("json")
	if tag == "-" {
		return field{}, false
	}
	name, options, _ := strings.Cut(tag, ",")
	if f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct {
		return field{inline: true}, true
	}
	if !f.IsExported() {
		return field{}, false
	}
	if name == "" {
		name = f.Name
	}
	return field{name: name, options: options}, true
}
