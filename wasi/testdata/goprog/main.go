// Command goprog is what the tests build for wasip1: it uses what an ordinary
// Go program uses.
package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "panic" {
		panic("as asked")
	}
	fmt.Println("args", strings.Join(os.Args[1:], "|"))
	fmt.Println("env", os.Getenv("COLOR"))
	cwd, err := os.Getwd()
	check(err)
	fmt.Println("cwd", cwd)
	in, err := io.ReadAll(os.Stdin)
	check(err)
	fmt.Println("stdin", string(in))
	check(os.WriteFile("data", []byte("hello"), 0o644))
	text, err := os.ReadFile("/work/data")
	check(err)
	st, err := os.Stat("data")
	check(err)
	fmt.Println("file", string(text), st.Size())
	os.Remove("link")
	check(os.Symlink("data", "link"))
	target, err := os.Readlink("link")
	check(err)
	fmt.Println("link", target)
	check(os.MkdirAll("sub/deep", 0o755))
	entries, err := os.ReadDir(".")
	check(err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	fmt.Println("dir", strings.Join(names, ","))
	_, err = os.Open("nope")
	fmt.Println("not exist", errors.Is(err, fs.ErrNotExist))
	start := time.Now()
	time.Sleep(20 * time.Millisecond)
	fmt.Println("slept", time.Since(start) >= 20*time.Millisecond)
	os.Exit(42)
}

func check(err error) {
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
}
