// Package kernel is Linux as a process sees it.
package kernel
