// Package tools holds the WebAssembly modules of sbx's own userland and knows
// which tools are in which module. It owns the C sources next to it
// (README.md); it runs nothing.
package tools

import (
	"embed"
	"fmt"
	"hash/crc32"
	"io"
	"path"
	"strings"
	"sync"
)

//go:embed wasm/*.wasm src/*.mod
var files embed.FS

// Module is one multi-call WebAssembly module. It runs the tool by whose name
// it is called.
type Module struct {
	Name  string   // "core"
	Tools []string // the names that it answers to, in the order of its .mod file
	Sum   string   // length and checksum of Wasm, to tell versions apart
}

func (m Module) file() string { return path.Join("wasm", m.Name+".wasm") }

// Wasm is the module's bytes, a copy: whoever only tells versions apart does
// without.
func (m Module) Wasm() []byte {
	b, err := files.ReadFile(m.file())
	if err != nil {
		panic(err) // it is embedded
	}
	return b
}

// Modules lists the modules by name. The slice is shared and must not be
// changed.
var Modules = sync.OnceValue(readModules)

func readModules() []Module {
	list, err := files.ReadDir("wasm")
	if err != nil {
		panic(err) // it is embedded
	}
	var out []Module
	buf := make([]byte, 32<<10)
	for _, e := range list {
		m := Module{Name: strings.TrimSuffix(e.Name(), ".wasm")}
		m.Sum = sum(m.file(), buf)
		text, _ := files.ReadFile(path.Join("src", m.Name+".mod"))
		m.Tools = parseMod(string(text))
		out = append(out, m)
	}
	return out
}

// sum reads an embedded file piece by piece: a copy of all of them would be most
// of what a container costs to start.
func sum(name string, buf []byte) string {
	f, err := files.Open(name)
	if err != nil {
		panic(err) // it is embedded
	}
	h := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	n, _ := io.CopyBuffer(h, f, buf)
	return fmt.Sprintf("%d-%08x", n, h.Sum32())
}

// parseMod reads the lines "tool function source" of a .mod file; "-" as the
// tool only adds a source.
func parseMod(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) == 3 && f[0] != "-" && f[0][0] != '#' {
			out = append(out, f[0])
		}
	}
	return out
}
