#!/usr/bin/env bash
# The first command of a newcomer: `sbx run base date`, offline, with an empty home (cold: the base image is made and the
# module interpreted) and with a warm one, beside the host's own date.  Usage: bench/date.sh [RUNS]
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
