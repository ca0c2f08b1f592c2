//go:build !unix

package build

const openFlags = 0
