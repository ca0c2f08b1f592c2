#!/usr/bin/env bash
# Makes real multi-layer Debian images, as an OCI image layout, with Debian's own tools.
#
#   make.sh OUT [IMAGE ...]      IMAGE: tiny large debian12 debian13 debian12-full debian13-full   (default: tiny debian12)
#
# OUT/oci is the layout; its tags are the names above. Nothing in an image is written by this
# project: the packages come from the mirror that this machine's own apt sources name, mmdebstrap and
# apt lay them out, umoci makes the layers. Needs root, and: mmdebstrap umoci (jq is not needed).
#
#   tiny      3 layers, about 12 MB: base-files, busybox-static, then dash, coreutils and their libraries
#             unpacked without maintainer scripts, then a layer that removes and replaces some of it
#   large     debian12 and one more layer with compilers and servers, about 550 MB: for benchmarks
#   debianNN  3 layers, about 115 MB: mmdebstrap's minbase, then perl, python3-minimal and friends
#             installed by the image's own apt, then a clean-up layer with whiteouts
#   debianNN-full  debianNN and one more layer with the programs that tests run: gcc, git, python3, nginx, redis, ...
#
# An image that is there already is not made again; several make.sh may make different images in one OUT at the same time.
# Exit status: 0 made, 3 this machine can't (and why).
set -euo pipefail

out=${1:?usage: make.sh OUT [IMAGE ...]}
shift
[ $# -gt 0 ] || set -- tiny debian12

cannot() { echo "make.sh: cannot make images here: $*" >&2; exit 3; }
[ "$(id -u)" = 0 ] || cannot "not root"
for tool in apt-get dpkg-deb mmdebstrap umoci; do
	command -v "$tool" >/dev/null || cannot "$tool is not installed"
done

# mirror SUITE-INDEPENDENT: the first Debian main archive of the machine's own apt sources.
mirror=$(apt-get indextargets --format '$(ORIGIN)|$(REPO_URI)|$(COMPONENT)' 'Created-By: Packages' |
	awk -F'|' '$1 == "Debian" && $3 == "main" && $2 !~ /security/ { print $2; exit }')
[ -n "$mirror" ] || cannot "no Debian archive in the apt sources (run apt-get update once)"

mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d "$out/work.XXXXXX")
cleanup() {
	for m in dev/pts dev proc; do umount "$work/bundle/rootfs/$m" 2>/dev/null || true; done
	rm -rf --one-file-system "$work"
}
trap cleanup EXIT

layout=$out/oci
umoci() { flock "$out/lock" umoci "$@"; }
flock "$out/lock" sh -c '[ -d "$0" ] || exec umoci init --layout "$0"' "$layout"
export SOURCE_DATE_EPOCH=1719792000 DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

begin() { # begin NAME: an empty image unpacked into $work/bundle
	rm -rf --one-file-system "$work/bundle"
	umoci new --image "$layout:$1"
	umoci unpack --image "$layout:$1" "$work/bundle"
	root=$work/bundle/rootfs
}
layer() { # layer NAME COMMENT: what changed since the last layer becomes the next
	umoci repack --refresh-bundle --image "$layout:$1" \
		--history.created_by "$2" --history.author "testdata/images" "$work/bundle"
}
config() { # config NAME CMD...
	local name=$1 args=()
	shift
	for a in "$@"; do args+=(--config.cmd "$a"); done
	umoci config --image "$layout:$name" "${args[@]}" --architecture amd64 --os linux \
		--config.env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	umoci gc --layout "$layout"
}
has() { umoci list --layout "$layout" | grep -qx "$1"; }

fetch() { # fetch PACKAGE...: their .deb files into $work/debs
	mkdir -p "$work/debs"
	chmod 777 "$work/debs"
	(cd "$work/debs" && apt-get download -q "$@" >/dev/null)
}
unpack() { # unpack PACKAGE...: from $work/debs into the rootfs, no maintainer scripts
	for p in "$@"; do
		for deb in "$work/debs/${p}"_*.deb; do dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$root" --keep-directory-symlink; done
	done
}

make_tiny() { # make_tiny NAME
	local one="base-files base-passwd busybox-static tzdata" two="dash coreutils libc6 libselinux1 libacl1 libattr1 libpcre2-8-0 libgmp10"
	# shellcheck disable=SC2086
	fetch $one $two
	begin "$1"
	mkdir -p "$root"/usr/{bin,sbin,lib,lib64}
	for d in bin sbin lib lib64; do ln -s "usr/$d" "$root/$d"; done
	# shellcheck disable=SC2086
	unpack $one
	cp "$root/usr/share/base-passwd/passwd.master" "$root/etc/passwd"
	cp "$root/usr/share/base-passwd/group.master" "$root/etc/group"
	rm -rf "$root"/usr/share/zoneinfo/{right,posix}
	layer "$1" "base-files, base-passwd, busybox-static, tzdata"
	# shellcheck disable=SC2086
	unpack $two
	ln -sf dash "$root/usr/bin/sh"
	layer "$1" "dash, coreutils and their libraries"
	rm -rf "$root/usr/share/doc" "$root/usr/share/man" "$root/usr/share/locale"
	rm -rf "$root/usr/share/info" && mkdir "$root/usr/share/info" && echo "made again" >"$root/usr/share/info/dir"
	rm -f "$root/usr/bin/factor" && ln -s busybox "$root/usr/bin/factor"
	ln "$root/usr/bin/cat" "$root/usr/bin/cat-too"
	layer "$1" "rm documentation"
	config "$1" /bin/sh
}

in_chroot() { # in_chroot ARGS...: the image's own apt-get update, then apt-get ARGS, with this machine's network
	mount -t proc proc "$root/proc"
	cp /etc/resolv.conf "$root/etc/resolv.conf"
	for f in /etc/apt/apt.conf.d/*proxy*; do [ -f "$f" ] && cp "$f" "$root/etc/apt/apt.conf.d/99host-proxy"; done
	printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" # servers are installed, not started
	chmod 755 "$root/usr/sbin/policy-rc.d"
	chroot "$root" apt-get update -q >&2
	chroot "$root" apt-get "$@" >&2
	umount "$root/proc"
	rm "$root/usr/sbin/policy-rc.d"
	rm -f "$root/etc/apt/apt.conf.d/99host-proxy"
	: >"$root/etc/resolv.conf"
}

make_debian() { # make_debian NAME SUITE
	begin "$1"
	rmdir "$root"
	mmdebstrap --quiet --mode=root --variant=minbase --skip=cleanup/reproducible "$2" "$root" "deb $mirror $2 main" >&2
	: >"$root/etc/resolv.conf"
	layer "$1" "mmdebstrap --variant=minbase $2"
	in_chroot install -q -y --no-install-recommends python3-minimal procps less file xz-utils bzip2
	layer "$1" "apt-get install python3-minimal procps less file"
	rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb "$root"/var/log/* "$root"/usr/share/doc/*
	layer "$1" "rm -rf /var/lib/apt/lists/*"
	config "$1" bash
}

make_more() { # make_more NAME BASE PACKAGE...: BASE, made if need be, and one more layer
	local name=$1 base=$2
	shift 2
	ensure "$base"
	umoci tag --image "$layout:$base" "$name"
	rm -rf --one-file-system "$work/bundle"
	umoci unpack --image "$layout:$name" "$work/bundle"
	root=$work/bundle/rootfs
	in_chroot install -q -y --no-install-recommends "$@"
	rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb
	layer "$name" "apt-get install $*"
	config "$name" bash
}

full="busybox-static ca-certificates curl gcc git libc6-dev nginx nodejs openssl perl python3 redis-server sqlite3 wget zstd"
ensure() { # ensure IMAGE: make it, unless it is there; under another name until it is whole
	has "$1" && return
	local part=$1.part
	has "$part" && umoci rm --image "$layout:$part"
	# shellcheck disable=SC2086
	case $1 in
	tiny) make_tiny "$part" ;;
	large) make_more "$part" debian12 build-essential git nginx perl python3 redis-server sqlite3 cmake vim gawk ;;
	debian12) make_debian "$part" bookworm ;;
	debian13) make_debian "$part" trixie ;;
	debian12-full | debian13-full) make_more "$part" "${1%-full}" $full ;;
	*) echo "make.sh: no such image: $1" >&2; exit 2 ;;
	esac
	umoci tag --image "$layout:$part" "$1"
	umoci rm --image "$layout:$part"
}

for image; do
	has "$image" && { echo "$image: there already"; continue; }
	ensure "$image"
	echo "$image: made"
done
