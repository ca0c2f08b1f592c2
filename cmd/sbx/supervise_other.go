//go:build !unix

package main

import "os"

// keepDescriptors: children get no handles but those that they are given.
func keepDescriptors() {}

func ownPath() (string, error) { return os.Executable() }

// takePipes are the two pipes of the starter.
func takePipes() (in, out *os.File, err error) { return os.Stdin, os.Stdout, nil }
