#!/usr/bin/env bash
# Languages that do next to nothing, as whole processes: `sbx run IMAGE python3 -c pass` and the like, each run a new sbx, against the same
# program natively in a chroot and under qemu-user. The first run of each is not counted: what sbx keeps on disk is there.
# Usage: SBX_TEST_IMAGES=DIR bench/languages.sh [RUNS]     as root, on Debian
. "$(dirname "$0")/lib.sh"
runs=${1:-11}
[ "$(id -u)" = 0 ] || { echo "only root can chroot" >&2; exit 3; }
registry
machine
installed languages python3 nodejs openjdk-17-jdk-headless <<EOF
RUN mkdir /hello && printf 'public class Hello {\n\tpublic static void main(String[] a) {\n\t\tSystem.out.println("hello");\n\t}\n}\n' >/hello/Hello.java && javac -d /hello /hello/Hello.java
EOF
tree=$tmp/tree
native_tree languages "$tree"
mount -t proc proc "$tree/proc" # java looks for itself there
trap 'umount -l "$tree/proc" || true; finish' EXIT
qemu_in "$tree"
compare() { # GOAL PROGRAM ARGS...
	local goal=$1 args emulated
	shift
	echo "$*: goal ${goal}x, wall"
	args=("native=chroot $tree $*" "sbx=$sbx run --rm languages $*")
	emulated="chroot $tree $qemu $(chroot "$tree" which "$1") ${*:2}"
	if [ -z "$qemu" ]; then
		echo "qemu-user is not installed"
	elif timeout 60 $emulated >/dev/null 2>"$tmp/said"; then
		args+=("qemu=$emulated")
	else
		echo "qemu-user does not run it here: $(tail -n 1 "$tmp/said")"
	fi
	"$pair" -n "$runs" "${args[@]}"
	echo
}
compare 3 python3 -c pass
compare 3 node -e 0
compare 3 java -cp /hello Hello
