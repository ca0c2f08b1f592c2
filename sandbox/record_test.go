package sandbox

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/sbxrun/sbx/internal/plainjson"
)

// TestRecordsOnDisk: whatever a record or a state holds is written as
// encoding/json writes it, and read back.
func TestRecordsOnDisk(t *testing.T) {
	t.Parallel()
	for _, v := range []any{new(Record), new(State), new(Network), new(Endpoint)} {
		for _, filled := range []bool{false, true} {
			if filled {
				fillIn(t, reflect.ValueOf(v).Elem())
			}
			want, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			got, err := plainjson.Marshal(v)
			if err != nil || string(got) != string(want) {
				t.Errorf("%T:\n%s %v\n%s", v, got, err, want)
			}
			back := reflect.New(reflect.TypeOf(v).Elem()).Interface()
			if err := plainjson.Unmarshal(got, back); err != nil || !reflect.DeepEqual(back, v) {
				t.Errorf("%T read back:\n%+v %v\n%+v", v, back, err, v)
			}
		}
	}
}

// fillIn gives everything in v a value of its own.
func fillIn(t *testing.T, v reflect.Value) {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Date(2026, 11, 25, 1, 2, 3, 4, time.UTC)))
		return
	case netip.Addr:
		v.Set(reflect.ValueOf(netip.MustParseAddr("10.0.2.15")))
		return
	case netip.Prefix:
		v.Set(reflect.ValueOf(netip.MustParsePrefix("10.0.2.0/24")))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillIn(t, v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			fillIn(t, v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fillIn(t, v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("key \"<é>\""), reflect.ValueOf("value\n"))
	case reflect.String:
		v.SetString("text of " + v.Type().Name() + " \\ & \u2028")
	case reflect.Bool:
		v.SetBool(true)
	default:
		switch {
		case v.CanInt():
			v.SetInt(-42)
		case v.CanUint():
			v.SetUint(42)
		default:
			t.Fatalf("no value for %v", v.Type())
		}
	}
}
