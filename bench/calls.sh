#!/usr/bin/env bash
# What system calls cost: calls.c makes each of them very often, natively in a chroot, in sbx, and under qemu-user where that is installed. CPU time is
# that of whole processes as the host counts it (a call that sleeps and one that spins differ there, and what the guest says of itself is
# not believed): medians, less that of an empty run, divided by the number of calls. What the guest itself
# measures, by clock_gettime and getrusage, stands beside it. Needs root for the chroot.  Usage: SBX_TEST_IMAGES=DIR bench/calls.sh [RUNS [NAME...]]
. "$(dirname "$0")/lib.sh"
runs=${1:-5}
shift || true
registry
machine
command -v gcc >/dev/null || { echo "gcc is not installed" >&2; exit 3; }
gcc -O2 -static -o "$tmp/calls" "$here/calls/calls.c" -lpthread
image=debian:12
"$sbx" pull -q "$image" >/dev/null
native_tree "$image" "$tmp/tree"
cp "$tmp/calls" "$tmp/tree/calls"
qemu=$(command -v qemu-x86_64-static || command -v qemu-x86_64 || true)

# column FILE NAME N: a column of pair's table: 2 wall ms, 6 CPU ms.
column() { awk -v n="$2" -v c="$3" '$1 == n { print $c }' "$1"; }
# race NAME N: sets wall and cpu, in ms, of native, sbx and qemu.
race() {
	local args=("native=chroot $tmp/tree /calls $1 $2" "sbx=$sbx run --rm -v $tmp/calls:/calls:ro $image /calls $1 $2")
	[ -z "$qemu" ] || args+=("qemu=$qemu $tmp/calls $1 $2")
	"$pair" -n "$runs" "${args[@]}" >"$tmp/last"
	cpu="$(column "$tmp/last" native 6) $(column "$tmp/last" sbx 6) $(column "$tmp/last" qemu 6)"
	wall="$(column "$tmp/last" native 2) $(column "$tmp/last" sbx 2) $(column "$tmp/last" qemu 2)"
}
race nothing 1
cpu0=$cpu wall0=$wall
printf '%-20s %10s %10s %7s %8s %7s %10s %10s\n' 'ns of a call' 'native CPU' 'sbx CPU' 'ratio' 'wall r.' 'qemu r.' 'guest wall' 'guest CPU'
"$tmp/calls" | while read -r name n; do
	[ "$name" != nothing ] || continue
	[ $# = 0 ] || [[ " $* " == *" $name "* ]] || continue
	race "$name" "$n"
	said=$("$sbx" run --rm -v "$tmp/calls:/calls:ro" "$image" /calls "$name" "$n" </dev/null)
	echo "$name $n $cpu0 $cpu $wall0 $wall" "$said" | awk -v q="${qemu:+1}" '{
		k = q ? 3 : 2
		for (i = 1; i <= k; i++) { c[i] = ($(2 + k + i) - $(2 + i)) * 1e6 / $2; w[i] = ($(2 + 3*k + i) - $(2 + 2*k + i)) * 1e6 / $2 }
		printf "%-20s %10.0f %10.0f %6.2fx %7.2fx %7s %10.0f %10.0f\n", $1, c[1], c[2], c[2] / c[1], w[2] / w[1], q ? sprintf("%.2fx", c[3] / c[1]) : "", $(NF - 1), $NF
	}'
done
