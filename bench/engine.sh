#!/usr/bin/env bash
# What running machine code costs: programs of the machine's own Debian natively, under sbx, and under qemu-user where it
# is installed, as whole processes. sbx runs them from an image of the same Debian. Usage: SBX_TEST_IMAGES=DIR bench/engine.sh [RUNS]
. "$(dirname "$0")/lib.sh"
runs=${1:-5}
registry
machine
command -v gcc >/dev/null || { echo "gcc is not installed" >&2; exit 3; }
gcc -O2 -static -o "$tmp/kernels" "$here/engine/kernels.c" -lm
qemu=$(command -v qemu-x86_64-static || command -v qemu-x86_64 || true)
image=debian:12
"$sbx" pull -q "$image" >/dev/null
# The image's own programs, for the host: the same files on both sides.
"$sbx" create --name tree "$image" true >/dev/null
mkdir "$tmp/root"
"$sbx" export tree | tar -x --no-same-owner --exclude='dev/*' -C "$tmp/root"
head -c 16777216 "$tmp/sbx" >"$tmp/data"
cp "$tmp/kernels" "$tmp/root/kernels"
cp "$tmp/data" "$tmp/root/data"

ld=$tmp/root/lib64/ld-linux-x86-64.so.2
lib=$tmp/root/lib/x86_64-linux-gnu
compare() { # NAME PROGRAM ARGS...: the same program on each side, its output thrown away
	local name=$1 prog=$2
	shift 2
	echo "$name"
	local args=("native=$ld --library-path $lib $tmp/root$prog $* >/dev/null"
		"sbx=$sbx run --rm -v $tmp/data:/data:ro -v $tmp/kernels:/kernels:ro $image $prog $* >/dev/null")
	[ -z "$qemu" ] || args+=("qemu=$qemu -L $tmp/root $tmp/root$prog $* >/dev/null")
	(cd "$tmp/root" && "$pair" -n "$runs" "${args[@]}")
	echo
}
for k in fib sieve copy sha256 qsort switch matmul; do
	echo "kernel $k"
	args=("native=$tmp/kernels $k >/dev/null" "sbx=$sbx run --rm -v $tmp/kernels:/kernels:ro $image /kernels $k >/dev/null")
	[ -z "$qemu" ] || args+=("qemu=$qemu $tmp/kernels $k >/dev/null")
	"$pair" -n "$runs" "${args[@]}"
	echo
done
compare date /bin/date
compare "dash loop" /bin/dash -c "'i=0; while [ \$i -lt 300000 ]; do i=\$((i+1)); done'"
compare "bash loop" /bin/bash -c "'i=0; while [ \$i -lt 200000 ]; do i=\$((i+1)); done'"
compare "perl loop" /usr/bin/perl -e "'my \$s=0; for my \$i (1..3000000) { \$s += \$i % 7 } print \$s'"
compare "sha256sum 16 MiB" /usr/bin/sha256sum data
compare "gzip 16 MiB" /bin/gzip -c data
