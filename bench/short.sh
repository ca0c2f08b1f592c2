#!/usr/bin/env bash
# Short programs: a shell that starts /bin/true a thousand times, python that does nothing and a compiler's --version twenty times,
# natively in a chroot and in sbx. (What a shell under qemu-user starts runs natively, so that is no comparison.) Needs root
# for the chroot, and a debian12-full image.  Usage: SBX_TEST_IMAGES=DIR bench/short.sh [RUNS]
. "$(dirname "$0")/lib.sh"
runs=${1:-3}
registry
machine
image=debian:12-full
"$sbx" pull -q "$image" >/dev/null
native_tree "$image" "$tmp/tree"
compare() { # NAME SCRIPT
	echo "$1"
	"$pair" -n "$runs" "native=chroot $tmp/tree bash -c '$2'" "sbx=$sbx run --rm $image bash -c '$2'"
	echo
}
compare "/bin/true 1,000 times" 'for i in {1..1000}; do /bin/true; done'
compare "python3 -c pass, 20 times" 'for i in {1..20}; do python3 -c pass; done'
compare "gcc --version, 20 times" 'for i in {1..20}; do gcc --version >/dev/null; done'
