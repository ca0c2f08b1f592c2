// Package gunzip decompresses gzip (RFC 1952, RFC 1951). Unpacking layers is most of what a pull costs, which is why it
// is written for speed on long streams: eight bytes of input at a time, two-level tables that give a symbol with its extra
// bits at once, and output that is its own window. Memory is fixed, and any input ends in data or in an error.
package gunzip
