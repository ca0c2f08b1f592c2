// Package tools holds the WebAssembly modules of sbx's own userland and knows
// which tools are in which module. It owns the C sources next to it
// (README.md); it runs nothing.
package tools

import (
	"embed"
	"path"
	"strings"
	"sync"
)

//go:embed wasm/*.wasm src/*.mod
var files embed.FS

// Sums tells versions of the modules apart: a line for each embedded file, as
// sha256sum writes it. build.sh made it.
//
//go:embed wasm/SHA256SUMS
var Sums string

// Module is one multi-call WebAssembly module. It runs the tool by whose name
// it is called.
type Module struct {
	Name  string   // "core"
	Tools []string // the names that it answers to, in the order of its .mod file
}

func (m Module) file() string { return path.Join("wasm", m.Name+".wasm") }

// Wasm is the module's bytes, a copy.
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
	for _, e := range list {
		name := strings.TrimSuffix(e.Name(), ".wasm")
		text, _ := files.ReadFile(path.Join("src", name+".mod"))
		out = append(out, Module{Name: name, Tools: parseMod(string(text))})
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
