#!/usr/bin/env bash
# What starting costs, whole processes, warm page cache: a container of a large image against a small one and against the
# same binary doing nothing (`sbx version`). The container runs the built-in shell, so no program is compiled.
# Usage: SBX_TEST_IMAGES=DIR bench/start.sh [RUNS]
. "$(dirname "$0")/lib.sh"
runs=${1:-21}
# The host's disk is not what is measured: a container makes and removes seven small files, which costs ext4 about 1 ms.
if [ -w /dev/shm ]; then
	SBX_HOME=$(mktemp -d /dev/shm/sbx-start.XXXXXX)
	trap 'finish; rm -rf "$SBX_HOME"' EXIT
fi
registry
machine
for image in tiny large; do
	"$sbx" pull -q "$image"
	"$sbx" run --rm --userland=builtin "$image" sh -c :
	"$sbx" run --rm --userland=builtin "$image" find / -xdev | wc -l
done
echo
"$pair" -n "$runs" "nothing=$sbx version" \
	"tiny=$sbx run --rm --userland=builtin tiny sh -c :" \
	"large=$sbx run --rm --userland=builtin large sh -c :"
