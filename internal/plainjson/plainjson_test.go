package plainjson

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// every has what the package is for, and shapes that documents of sbx have.
type every struct {
	Plain    string
	B        bool              `json:"b"`
	I        int               `json:"i"`
	I8       int8              `json:"i8,omitempty"`
	U32      uint32            `json:"u32,omitempty"`
	S        []string          `json:"s"`
	SO       []string          `json:"so,omitempty"`
	M        map[string]string `json:"m"`
	MO       map[string]bool   `json:"mo,omitempty"`
	Set      map[string]struct{}
	Bytes    []byte          `json:"bytes,omitempty"`
	T        time.Time       `json:"t"`
	TP       *time.Time      `json:"tp,omitempty"`
	Raw      json.RawMessage `json:"raw"`
	Addr     netip.Addr      `json:"addr"`
	Prefixes []netip.Prefix  `json:"prefixes,omitempty"`
	Inner    inner           `json:"inner"`
	List     []inner         `json:"list"`
	P        *inner          `json:"p"`
	Left     string          `json:"-"`
	inner                    // not exported, its fields are
	PPointer **int
	kept     string
}

// outer hides fields of what it embeds.
type outer struct {
	every
	A     int `json:"a"`
	Plain []string
}

type inner struct {
	A string `json:"a"`
	N int64  `json:"n,omitempty"`
}

func types() []any {
	return []any{new(every), new(outer), new(ocispec.Index), new(ocispec.Manifest), new(ocispec.Image), new([]inner), new(map[string][]int), new(string), new(int)}
}

// check holds both directions against encoding/json for one document.
func check(t *testing.T, doc []byte) {
	t.Helper()
	for _, v := range types() {
		want, got := reflect.New(reflect.TypeOf(v).Elem()).Interface(), reflect.New(reflect.TypeOf(v).Elem()).Interface()
		wantErr, gotErr := json.Unmarshal(doc, want), Unmarshal(doc, got)
		if (wantErr == nil) != (gotErr == nil) {
			t.Fatalf("%T of %q: %v, want %v", v, doc, gotErr, wantErr)
		}
		if wantErr != nil {
			continue
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%T of %q:\n%+v\n%+v", v, doc, got, want)
		}
		wantOut, wantErr := json.Marshal(want)
		gotOut, gotErr := Marshal(want)
		if (wantErr == nil) != (gotErr == nil) || wantErr == nil && string(gotOut) != string(wantOut) {
			t.Fatalf("%T:\n%s %v\n%s %v", v, gotOut, gotErr, wantOut, wantErr)
		}
	}
}

var documents = []string{
	``, `null`, `{}`, `[]`, ` [ ] `, `"x"`, `7`, `-0`, `1.0`, `1e2`, `{`, `{}x`, `{"a":1,}`, "\xff", `"\ud800"`, "\"\xff\u2028<&>\"",
	`{"Plain":"é\n\"\\\u0041","b":true,"i":-5,"i8":127,"u32":4294967295,"s":["a",""],"so":[],"m":{"k":"v","":"w"},"mo":{"x":true},"Set":{"80/tcp":{}},` +
		`"bytes":"AAECAw==","t":"2026-11-25T01:02:03.000000004+02:00","tp":null,"raw":{"x":[1, 2]},"inner":{"a":"x","n":9007199254740993},"list":[{"a":"1"},{}],"p":{"n":1},"a":"up","PPointer":3}`,
	`{"i8":128}`, `{"u32":-1}`, `{"i":"1"}`, `{"b":1}`, `{"s":"x"}`, `{"s":{}}`, `{"m":[]}`, `{"t":5}`, `{"t":{}}`, `{"t":"yesterday"}`, `{"bytes":"!"}`, `{"bytes":[1,2,255]}`, `{"bytes":[256]}`,
	`{"PLAIN":"case","B":true,"plain":"again"}`, `{"Plain":"a","Plain":"b"}`, `{"inner":{"a":"1"},"inner":{"n":2}}`, `{"list":[{"a":"1"}],"list":[{"n":2},{"n":3}]}`,
	`{"s":null,"m":null,"p":null,"i":null,"b":null,"t":null,"raw":null,"list":[null]}`, `{"unknown":{"deep":[1,{"x":"]}\""}],"n":-1.5e10},"i":1}`,
	`{"addr":"10.0.2.15","prefixes":["10.0.2.0/24","::1/128"]}`, `{"addr":7}`, `{"addr":""}`, `{"prefixes":["x"]}`, `{"addr":null,"prefixes":[null]}`,
	`{"kept":"no","Left":"no","-":"no"}`, "{\"\u017f\":[\"long s\"]}", `{"m":{"a":"1"},"m":{"b":"2"}}`, "\t{ \"i\" :\r\n 1 , \"b\" : true }\n",
	`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"m","digest":"sha256:00","size":3,"annotations":{"a":"b"},"platform":{"architecture":"amd64","os":"linux"}}]}`,
	`{"schemaVersion":2,"config":{"mediaType":"c","digest":"d","size":1,"data":"e30="},"layers":[{"mediaType":"l","digest":"d","size":9223372036854775807}],"subject":{"digest":"s"}}`,
	`{"created":"2026-01-01T00:00:00Z","architecture":"amd64","os":"linux","os.version":"1","config":{"Env":["A=b"],"Entrypoint":null,"Cmd":["sh"],"Volumes":{"/v":{}},"Labels":{"k":"v"},"ArgsEscaped":true},` +
		`"rootfs":{"type":"layers","diff_ids":["sha256:1"]},"history":[{"created":"2026-01-01T00:00:00Z","empty_layer":true}]}`,
	strings.Repeat("[", 10001) + strings.Repeat("]", 10001),
}

func TestAgainstEncodingJSON(t *testing.T) {
	for _, doc := range documents {
		check(t, []byte(doc))
	}
}

func FuzzAgainstEncodingJSON(f *testing.F) {
	for _, doc := range documents {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, doc []byte) { check(t, doc) })
}

// TestRefused: what it is not for is an error, not something else.
func TestRefused(t *testing.T) {
	for _, v := range []any{1.5, struct{ F float64 }{}, struct {
		N int `json:"n,string"`
	}{}, map[int]string{1: "x"}, make(chan int)} {
		if b, err := Marshal(v); err == nil {
			t.Errorf("%T: %s", v, b)
		}
	}
	var f struct{ F any }
	if err := Unmarshal([]byte(`{"F":1}`), &f); err == nil {
		t.Error("an interface was filled")
	}
	if err := Unmarshal([]byte(`{}`), f); err == nil {
		t.Error("a value that is no pointer was filled")
	}
}
