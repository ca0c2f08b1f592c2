// Package plainjson reads and writes JSON as encoding/json does, without its
// preparations: that package makes an encoder and a decoder for every type at
// first use, which for the documents of one container takes half a millisecond,
// a seventh of its start. Here values are walked by reflection each time.
//
// It is for small documents of structs, pointers, slices, maps with string keys,
// strings, numbers without fractions, bools, time.Time and json.RawMessage, with
// the tags name, omitempty and "-". Other kinds are an error. For these,
// [Unmarshal] accepts, refuses and stores what json.Unmarshal does, but stops at
// the first value that does not fit; and [Marshal] writes the same bytes. Tests
// and a fuzz target hold both against encoding/json.
package plainjson

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"
)

var (
	timeType = reflect.TypeFor[time.Time]()
	rawType  = reflect.TypeFor[json.RawMessage]()
)

// field is one field of a struct as JSON has it.
type field struct {
	name      string
	omitEmpty bool
	inline    bool // an embedded struct whose fields are its owner's
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
	return field{name: name, omitEmpty: options == "omitempty"}, true
}
