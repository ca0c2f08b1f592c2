// Command gen turns the text tables of cpu/x86/table into Go data. It is run by go generate in cpu/x86.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	source, err := generate("table")
	if err == nil {
		err = os.WriteFile("table_gen.go", source, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// generate reads every table of a folder and returns the Go source that holds them.
func generate(folder string) ([]byte, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.txt"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no tables in %s", folder)
	}
	var rows []row
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		more, err := parse(filepath.Base(file), string(text))
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
	}
	t, err := layOut(rows)
	if err != nil {
		return nil, err
	}
	return t.source()
}
