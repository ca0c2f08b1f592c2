// Package shell owns the built-in shell: POSIX sh, and bash's features that
// scripts use, as a kernel program.
//
// A file whose first line is "#!sbx:builtin NAME" stands for the shell (sh,
// dash, bash) or for one of its builtins as a program; [Loader] makes the kernel
// run it. Everything a script does goes through system calls of the shell's own
// task: subshells, pipelines, substitutions and background jobs are forked
// tasks, other programs are spawned through PATH, descriptors are the kernel's.
// No call of this package reaches the host.
//
// Parsing is mvdan.cc/sh/v3/syntax, brace sequences its expand. Word expansion,
// arithmetic and patterns are this package's and shell/match's: the module's own
// expansion splits fields at other places than POSIX says, computes in the
// host's int, and asks the host for users.
//
// A Shell belongs to the goroutine of its task and needs no lock. A fork copies
// it; variables are shared until either side writes one, and the side that
// writes clones it first. Syntax trees are shared and never written.
//
// What a script can make the shell hold or recurse into is bounded: see the
// max… constants.
package shell
