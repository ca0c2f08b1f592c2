package sandbox

import (
	"bytes"
	"encoding/json"
	"math"
	"net/netip"
	"reflect"
	"testing"
	"time"
)

// fill gives every field of v a value that is not its zero; n makes them differ.
func fill(t *testing.T, v reflect.Value, n int) {
	words := []string{"plain", `"quoted" \ back/slash`, "<&>", "line\nbreak\ttab\x00\x1f", "grüße €😀", "\x7f"}
	switch p := v.Addr().Interface().(type) {
	case *time.Time:
		*p = time.Date(2025, 3, 1, 4, 5, 6, n*1000, time.FixedZone("", 3600*(n%5)))
		return
	case *netip.Addr:
		*p = netip.AddrFrom4([4]byte{10, 0, 0, byte(n)})
		return
	case *netip.Prefix:
		*p = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(n), 0}), 24)
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(words[n%len(words)])
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(n%3 - 4))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(n%3 + 1))
	case reflect.Float64:
		v.SetFloat(1.5)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), n+1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 3, 3))
		for i := range 3 {
			fill(t, v.Index(i), n+i)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for i := range 3 {
			key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(t, key, n+i)
			fill(t, elem, n+i+1)
			v.SetMapIndex(key, elem)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				fill(t, v.Field(i), n+i)
			}
		}
	default:
		t.Fatalf("%v is not filled", v.Type())
	}
}

// What is written is what encoding/json writes, byte by byte.
func TestEncode(t *testing.T) {
	type inner struct{ A, B string }
	type odd struct {
		inner
		Skipped string  `json:"-"`
		Ratio   float64 `json:"ratio"`
		Bytes   []byte
		Pair    [2]int `json:",omitempty"`
		Table   map[int]string
		Nested  map[string]map[string]string
		Any     any `json:"any,omitempty"`
		Least   int64
		Nil     []string
		Far     *inner
		hidden  int
	}
	for _, v := range []any{
		&Record{}, &State{}, &Event{}, &Endpoint{}, &Network{}, &exitInfo{}, &knownDigest{}, &volumeRecord{}, &odd{},
	} {
		check := func(what string) {
			t.Helper()
			var want bytes.Buffer
			e := json.NewEncoder(&want)
			e.SetEscapeHTML(false)
			if err := e.Encode(v); err != nil {
				t.Fatal(err)
			}
			got, err := encode(v)
			if got = append(got, '\n'); err != nil || !bytes.Equal(got, want.Bytes()) {
				t.Errorf("%s %T: %v\n got %s\nwant %s", what, v, err, got, want.Bytes())
			}
		}
		check("zero")
		if o, ok := v.(*odd); ok {
			o.inner, o.Any, o.Least, o.hidden = inner{"a", "b"}, []any{nil, "x", map[string]any{"y": 2.5}}, math.MinInt64, 1
			check("odd")
			continue
		}
		for n := range 6 {
			fill(t, reflect.ValueOf(v).Elem(), n)
			check("filled")
		}
	}
	if got, err := encode(map[string]any{"f": func() {}}); err == nil {
		t.Errorf("a function was written: %s", got)
	}
}

// What is no UTF-8 does not keep the rest from being read back.
func TestEncodeBrokenText(t *testing.T) {
	got, err := encode(Record{Name: "a\xffb\xed\xa0\x80", ImageRef: "next"})
	var back Record
	if err == nil {
		err = json.Unmarshal(got, &back)
	}
	if err != nil || back.Name != "a\ufffdb\ufffd\ufffd\ufffd" || back.ImageRef != "next" {
		t.Errorf("%v %q", err, back.Name)
	}
}
