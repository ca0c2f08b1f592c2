//go:build !linux

package main

// dropPages leaves it to the host which pages of a program it keeps.
func dropPages() {}
