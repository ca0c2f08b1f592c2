// Package match owns the shell's pattern language: '*', '?', bracket
// expressions and the extended operators ?( *( +( @( !(, as in POSIX XCU 2.13
// and bash(1) "Pattern Matching".
//
// A pattern is compiled once and run as a set of positions over the text, never
// by backtracking: time is bounded by the product of both lengths (and once more
// by the text for "!(…)"), whatever the pattern. Text is bytes or UTF-8, as the
// caller's locale says. Nothing here reads a file or an environment.
package match
