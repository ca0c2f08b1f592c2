//go:build !windows

package main

// enableEscapes: terminals obey escape sequences.
func enableEscapes(int) bool { return true }
