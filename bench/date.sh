#!/usr/bin/env bash
# The first command of a newcomer: `sbx run base date`, offline, with an empty home (cold: the base image is made and the
# module interpreted) and with a warm one, beside the host's own date. With SBX_TEST_IMAGES=DIR also Debian's date in a Go process that
# has run it before, by the library: a container each time, and a command in a running one.  Usage: bench/date.sh [RUNS]
. "$(dirname "$0")/lib.sh"
runs=${1:-11}
machine
echo "cold: empty SBX_HOME"
"$pair" -n "$runs" -before "rm -rf $SBX_HOME" "cold=$sbx run --rm base date"
echo
echo "warm"
"$sbx" run --rm base date >/dev/null
"$sbx" run --rm base date >/dev/null
"$pair" -n "$runs" "host=/bin/date" "nothing=$sbx version" "warm=$sbx run --rm base date"
if [ -n "${SBX_TEST_IMAGES:-}" ]; then
	echo
	echo "in a warm Go process: goal 3 ms"
	[ ! -w /dev/shm ] || export TMPDIR=/dev/shm # the host's disk is not what is measured
	(cd "$here/.." && CGO_ENABLED=0 go test -run '^$' -bench 'Date' -benchtime 300x ./sandbox | grep '^Benchmark')
fi
