// Printargs is an interpreter for tests: it prints its arguments, one in a line.
package main

import (
	"fmt"
	"os"
)

func main() {
	for _, a := range os.Args {
		fmt.Println(a)
	}
}
