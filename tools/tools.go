// Package tools holds the WebAssembly modules of sbx's own userland and knows
// which tools are in which module. It owns the C sources next to it
// (README.md); it runs nothing.
package tools

import (
	"embed"
	"fmt"
	"hash/crc32"
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
	Wasm  []byte   // shared: must not be changed
	Sum   string   // length and checksum of Wasm, to tell versions apart
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
	for _, e := range list {
		m := Module{Name: strings.TrimSuffix(e.Name(), ".wasm")}
		m.Wasm, _ = files.ReadFile(path.Join("wasm", e.Name()))
		m.Sum = fmt.Sprintf("%d-%08x", len(m.Wasm), crc32.Checksum(m.Wasm, crc32.MakeTable(crc32.Castagnoli)))
		text, _ := files.ReadFile(path.Join("src", m.Name+".mod"))
		m.Tools = parseMod(string(text))
		out = append(out, m)
	}
	return out
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
