#!/usr/bin/env bash
# A compiler on real code: gcc -O2 -c of zlib's deflate.c (2,200 lines) and of Lua's lvm.c (1,800 lines, mostly macros), sources of Debian
# packages, as whole processes: a new sbx each time, against the same gcc natively in a chroot. (gcc starts other programs, which
# under qemu-user run natively: no comparison.)  Usage: SBX_TEST_IMAGES=DIR bench/compile.sh [RUNS]     as root, on Debian
. "$(dirname "$0")/lib.sh"
runs=${1:-5}
[ "$(id -u)" = 0 ] || { echo "only root can chroot" >&2; exit 3; }
registry
machine
installed compiler gcc libc6-dev bzip2 <<'EOF'
RUN mkdir /src && cd /src && apt-get -q source --download-only zlib lua5.4 && mkdir zlib lua && \
	tar -xf zlib_*.orig.tar.* -C zlib --strip-components=1 && tar -xf lua5.4_*.orig.tar.* -C lua --strip-components=1
EOF
tree=$tmp/tree
native_tree compiler "$tree"
compare() { # GOAL FILE FLAGS
	echo "gcc -O2 -c $2 ($(wc -l <"$tree$2") lines): goal ${1}x, wall"
	"$pair" -n "$runs" "native=chroot $tree gcc -O2 -c $3 $2 -o /tmp/out.o" "sbx=$sbx run --rm compiler gcc -O2 -c $3 $2 -o /tmp/out.o"
	"$sbx" run --rm compiler sh -c "gcc -O2 -c $3 $2 -o /tmp/out.o && cat /tmp/out.o" | cmp - "$tree/tmp/out.o" && echo "the object files are the same"
	echo
}
compare 1.6 /src/zlib/deflate.c -w
compare 1.6 /src/lua/src/lvm.c -w
