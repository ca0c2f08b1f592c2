# Shared by the scripts here; sourced, not run. Makes $tmp (removed at exit), $sbx (built from this checkout), $pair,
# and a fresh $SBX_HOME, or $SBX_BENCH_HOME, where built images are found again; `registry` sets $SBX_REGISTRY_MIRROR to a loopback registry with the images of SBX_TEST_IMAGES.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tmp=$(mktemp -d)
registry_pid=
finish() {
	if [ -n "$registry_pid" ]; then
		exec 8>&- # the server ends with its standard input
		kill "$registry_pid" 2>/dev/null || true
	fi
	wait 2>/dev/null || true
	rm -rf "$tmp"
}
trap finish EXIT

(cd "$here/.." && export CGO_ENABLED=0 && go build -o "$tmp/linked" ./cmd/sbx && go build -o "$tmp/pair" ./bench/pair)
# What the linker has just written lies in the page cache in single pages, which costs each start almost a millisecond;
# a copy lies there as what users download does.
cp "$tmp/linked" "$tmp/sbx" && rm "$tmp/linked"
sbx=$tmp/sbx
pair=$tmp/pair
export SBX_HOME=${SBX_BENCH_HOME:-$tmp/home}

registry() {
	: "${SBX_TEST_IMAGES:?make images with testdata/images/make.sh DIR tiny debian12 large, and set SBX_TEST_IMAGES=DIR}"
	mkfifo "$tmp/hold" "$tmp/address"
	"$here/../testdata/images/serve.sh" "$SBX_TEST_IMAGES" <"$tmp/hold" >"$tmp/address" &
	registry_pid=$!
	exec 8>"$tmp/hold"
	read -r SBX_REGISTRY_MIRROR <"$tmp/address"
	export SBX_REGISTRY_MIRROR
	address=${SBX_REGISTRY_MIRROR#http://}
}
machine() {
	printf '%s, %s cores, %s, %s\n\n' "$(uname -sm)" "$(nproc)" "$(awk -F': ' '/model name/ {print $2; exit}' /proc/cpuinfo)" "$(go version | cut -d' ' -f3)"
}
# debian_mirror sets $mirror to where the machine's own packages come from.
debian_mirror() {
	mirror=$(sed -n 's/^URIs: \(http:[^ ]*\).*/\1/p; s/^deb \(http:[^ ]*\).*/\1/p' \
		/etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list /etc/apt/sources.list 2>/dev/null | head -n 1 || true)
	[ -n "$mirror" ] || { echo "no mirror of Debian's packages over HTTP" >&2; exit 3; }
}
# native_tree IMAGE DIR: the files of an image, to chroot into.
native_tree() {
	local id
	id=$("$sbx" create "$1" true)
	mkdir -p "$2"
	"$sbx" export "$id" | tar -xp -C "$2" --exclude='dev/*'
	"$sbx" rm "$id" >/dev/null
	mknod -m 666 "$2/dev/null" c 1 3
	mknod -m 666 "$2/dev/urandom" c 1 9
	cp /etc/resolv.conf "$2/etc/resolv.conf"
}
# installed IMAGE PACKAGE...: builds IMAGE, which is Debian 12 with packages of the machine's mirror and no server started, and what the
# instructions on standard input do to it.
installed() {
	local name=$1
	shift
	debian_mirror
	mkdir "$tmp/build.$name"
	{
		cat <<-EOF
			FROM debian:12
			RUN rm -f /etc/apt/sources.list.d/* && for t in deb deb-src; do echo "\$t [trusted=yes] $mirror bookworm main"; done >/etc/apt/sources.list
			RUN printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d
			RUN apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends $*
		EOF
		cat
	} >"$tmp/build.$name/Dockerfile"
	"$sbx" build -q -t "$name" "$tmp/build.$name" >"$tmp/said" 2>&1 || { cat "$tmp/said"; exit 1; }
}
# qemu_in TREE sets $qemu to what runs a program of a tree under qemu-user there (chroot TREE $qemu PROGRAM), empty without qemu-user.
qemu_in() {
	qemu=$(command -v qemu-x86_64-static || command -v qemu-x86_64 || true)
	[ -n "$qemu" ] || return 0
	mkdir -p "$1/qemu"
	cp "$qemu" "$1/qemu/qemu"
	ldd "$qemu" 2>/dev/null | grep -o '/[^ ]*' | sort -u | xargs -r cp -Lt "$1/qemu"
	qemu=/qemu/qemu
	[ ! -e "$1/qemu/ld-linux-x86-64.so.2" ] || qemu="/qemu/ld-linux-x86-64.so.2 --library-path /qemu /qemu/qemu"
}
