// Package socket is the network of one sandbox: AF_UNIX, TCP and UDP over
// addresses of its own, and AF_NETLINK, all in memory. What leaves the sandbox
// goes through a dial function, and on Linux is a connection of the host's itself
// (wire); names are resolved by a resolver of the host's that answers as a name server.
//
// Nothing here blocks: calls give EAGAIN or EINPROGRESS, and the wake function
// of a [Socket] is called when that may have changed. Package kernel makes
// descriptions and blocking calls of it.
//
// # Locks
//
// [Stack] has one lock for all its sockets. Wake functions are called under it
// and must not come back. Passed files ([Right]) are let go of after it. Calls that
// move bytes of a connection of the host's do not take it.
package socket
