// Package unxz decompresses .xz (the .xz file format 1.2.1, with the LZMA2
// filter alone), which is what root file systems for ADD and import often
// come in. The decompressor is github.com/ulikunitz/xz/lzma; only the
// container is read here, because that module's reader of it makes a dictionary
// as large as the stream asks for. Memory is bounded by the dictionary that the
// caller allows, and any input ends in data or in an error.
package unxz
