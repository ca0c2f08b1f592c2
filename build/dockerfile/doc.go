// Package dockerfile is what the instructions of a Dockerfile do to the
// configuration of an image, and how their words are expanded. BuildKit's own
// packages parse the language; what runs programs and copies files is package
// build.
package dockerfile
