#!/usr/bin/env bash
# What running machine code costs: the image's own programs natively, under sbx, and under qemu-user where it is installed, and
# at the end one table of goals with "holds" or "missed". Usage: SBX_TEST_IMAGES=DIR bench/engine.sh [RUNS]
#
# What counts: CPU time of sbx to CPU time of native, medians of ratios run by run; for a whole container wall time. The start of sbx is
# taken out of the kernels' ratio: an empty run of each side (`kernels nothing`) is timed too and subtracted. Other rows are whole processes.
# Python and xz need an image that has them: debian:12-full is taken where the registry serves it, else debian:12, and rows without
# their program are left out, with a word of it.
. "$(dirname "$0")/lib.sh"
runs=${1:-5}
registry
machine
command -v gcc >/dev/null || { echo "gcc is not installed" >&2; exit 3; }
gcc -O2 -static -o "$tmp/kernels" "$here/engine/kernels.c" -lm
qemu=$(command -v qemu-x86_64-static || command -v qemu-x86_64 || true)
image=debian:12-full
"$sbx" pull -q "$image" >/dev/null 2>&1 || { image=debian:12 && "$sbx" pull -q "$image" >/dev/null; }
echo "image $image"
# The image's own programs, for the host: the same files on both sides.
"$sbx" create --name tree "$image" true >/dev/null
mkdir "$tmp/root"
"$sbx" export tree | tar -x --no-same-owner --exclude='dev/*' -C "$tmp/root"
root=$tmp/root
: >"$root/dev/null" # perl opens it
head -c 16777216 "$tmp/sbx" >"$root/data"
for _ in 1 2 3 4; do cat "$root/data"; done >"$root/data64"
cp "$tmp/kernels" "$root/kernels"
native="chroot $root"
[ "$(id -u)" = 0 ] || native="unshare -r chroot $root"
run="$sbx run --rm -v $root/data:/data:ro -v $root/data64:/data64:ro -v $root/kernels:/kernels:ro $image"
: >"$tmp/goals"

# column FILE NAME N: a column of pair's table, without the x of ratios: 2 wall ms, 6 CPU ms, 7 CPU ratio.
column() { awk -v n="$2" -v c="$3" '$1 == n { sub(/x$/, "", $c); print $c }' "$1"; }
calc() { awk "BEGIN { printf \"%.3f\", $1 }"; }
# goal WHAT GOAL UNIT MEASURED
goal() { printf '%s\t%s\t%s\t%s\n' "$@" >>"$tmp/goals"; }

# race NAME=COMMAND...: pair's table, shown and kept in $tmp/last.
race() { "$pair" -n "$runs" "$@" | tee "$tmp/last"; echo; }

# compare NAME GOAL PROGRAM ARGS...: the same program on each side, its output thrown away; GOAL - for none.
compare() {
	local name=$1 max=$2 prog=$3
	shift 3
	[ -e "$root$prog" ] || { echo "$name: left out, $image has no $prog"; echo; return; }
	echo "$name"
	local args=("native=$native $prog $* >/dev/null" "sbx=$run $prog $* >/dev/null")
	[ -z "$qemu" ] || args+=("qemu=PYTHONHOME=$root/usr $qemu -L $root $root$prog ${*//\/data/$root\/data} >/dev/null")
	race "${args[@]}"
	[ "$max" = - ] || goal "$name / native" "$max" x "$(column "$tmp/last" sbx 7)"
}

# kernel NAME: sets nativeCPU and sbxed to CPU milliseconds.
kernel() {
	local args=("native=$native /kernels $1 >/dev/null" "sbx=$run /kernels $1 >/dev/null")
	[ -z "$qemu" ] || args+=("qemu=$qemu $tmp/kernels $1 >/dev/null")
	echo "kernel $1"
	race "${args[@]}"
	nativeCPU=$(column "$tmp/last" native 6) sbxed=$(column "$tmp/last" sbx 6)
}
kernel nothing
native0=$nativeCPU sbxed0=$sbxed
ratios=
for k in fib sieve copy sha256 qsort switch matmul; do
	kernel "$k"
	ratio=$(calc "($sbxed - $sbxed0) / ($nativeCPU - $native0)")
	goal "kernel $k / native, CPU, no goal of its own" - x "$ratio"
	ratios="$ratios $ratio"
done
goal "kernels / native, CPU, geometric mean" 1.25 x "$(awk -v r="$ratios" 'BEGIN { n = split(r, v, " "); for (i in v) s += log(v[i]); printf "%.3f", exp(s / n) }')"

compare "dash loop" 1.5 /bin/dash -c "'i=0; while [ \$i -lt 300000 ]; do i=\$((i+1)); done'"
compare "bash loop" 1.6 /bin/bash -c "'i=0; while [ \$i -lt 200000 ]; do i=\$((i+1)); done'"
compare "python3 fib(32)" 1.6 /usr/bin/python3 -c "'f = lambda n: n if n < 2 else f(n-1) + f(n-2); print(f(32))'"
compare "perl loop" - /usr/bin/perl -e "'my \$s=0; for my \$i (1..3000000) { \$s += \$i % 7 } print \$s'"
compare "gzip 16 MiB" 1.2 /bin/gzip -c /data
compare "sha256sum 64 MiB" 1.2 /usr/bin/sha256sum /data64
compare "xz 16 MiB" 1.2 /usr/bin/xz -1 -T1 -c /data

echo "ls -lR /usr | sort | wc"
race "native=$native /bin/sh -c 'ls -lR /usr | sort | wc' >/dev/null" "sbx=$run sh -c 'ls -lR /usr | sort | wc' >/dev/null"
goal "ls -lR /usr | sort | wc / native" 3 x "$(column "$tmp/last" sbx 7)"

# date, a whole container: crun and proot run the exported tree.
echo "run $image date, whole process"
args=("sbx=$sbx run --rm $image date")
if command -v crun >/dev/null && [ "$(id -u)" = 0 ]; then
	mkdir "$tmp/bundle"
	(cd "$tmp/bundle" && crun spec && sed -i -e 's/"terminal": true/"terminal": false/' -e "s|\"path\": \"rootfs\"|\"path\": \"$root\"|" -e 's/"sh"/"date"/' config.json)
	if crun run -b "$tmp/bundle" try >/dev/null 2>"$tmp/crun"; then
		args+=("crun=crun run -b $tmp/bundle bench")
	else
		echo "crun is left out: $(tail -n 1 "$tmp/crun")"
	fi
fi
if command -v proot >/dev/null && proot -r "$root" /bin/date >/dev/null 2>&1; then
	args+=("proot=proot -r $root /bin/date")
else
	echo "proot is left out: it is not installed, or does not run here"
fi
[ -z "$qemu" ] || args+=("qemu=$qemu -L $root $root/bin/date")
race "${args[@]}"
goal "run $image date, whole" 40 ms "$(column "$tmp/last" sbx 2)"

printf '%-46s %14s %12s\n' what goal measured
awk -F '\t' '{
	if ($2 == "-") printf "%-46s %14s %9.2f %-2s\n", $1, "", $4, $3
	else printf "%-46s <= %8.2f %-2s %9.2f %-2s  %s\n", $1, $2, $3, $4, $3, $4 <= $2 ? "holds" : "missed"
}' "$tmp/goals"
