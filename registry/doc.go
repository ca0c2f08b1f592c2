// Package registry owns images: references and short names, pull and push, load and save, and the image store on
// disk. It knows nothing of processes or containers.
//
// # The store
//
// A store is a folder that many processes use at the same time, without a daemon:
//
//	oci/{oci-layout,index.json,blobs/sha256/*}  a canonical OCI image layout: other tools can read it
//	v1/content/<diffID>                         file contents of one layer, each file 4 KiB-aligned, holes kept
//	v1/toc/<diffID>                             what the layer holds (vfs.WriteTOC)
//	v1/image/<hash of version and diffIDs>.idx  the merged index of one image (vfs.BuildIndex)
//	v1/locks  v1/leases  v1/tmp
//
// Manifests are kept byte for byte, so that an image has the same digest here as in its registry. One of Docker's media
// types stays that too: crane reads such an image out of the layout, skopeo passes over it (`sbx save` is for both).
//
// Everything under v1 can be rebuilt from oci. A file appears under its final name only once it is complete,
// verified and synced, and is never changed afterwards; so a process that is killed at any moment leaves at worst a
// file in v1/tmp. Merged indices and leases are not synced: they are checked whole when they are opened, and made again
// when the host's crash has damaged them. Locks and leases are locks of the operating system on open files: they end with their process.
//
// # Lock order
//
//	store (shared: pull, load, open; exclusive: GC's sweep) > one digest's lock > index.json's lock > Store.mu
//
// A goroutine holds at most one digest lock, and never waits for the store lock while it holds another.
//
// # The network
//
// The client that speaks to registries is package registry/remote. The store reaches it through the Remote interface
// only, so that opening a local image links and initialises no HTTP client.
package registry
