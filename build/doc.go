// Package build makes images of Dockerfiles. BuildKit's own packages parse the
// language; here its stages become chains of steps, each of which is found in
// the build cache or done: a program that runs on a copy-on-write file system
// over the layers before it, or files that are copied into one. What a step
// changed is a layer.
//
// The cache's key of a step is the chain of layers that it starts from, what it
// does, and the content of what it copies. So a step that is found can only
// stand on the very files that it was made on.
package build
