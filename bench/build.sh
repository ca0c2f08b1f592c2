#!/usr/bin/env bash
# What a build costs: the Dockerfile of a tutorial (apt-get update, apt-get install nginx on Debian) by sbx, by a chroot that does
# the same natively, by podman where it builds without an engine's help (chroot isolation), and the second build, which finds
# every step. The packages come from the machine's own mirror: its speed is in all figures.
# Usage: SBX_TEST_IMAGES=DIR bench/build.sh [RUNS]     as root, on Debian
. "$(dirname "$0")/lib.sh"
runs=${1:-3}
[ "$(id -u)" = 0 ] || { echo "only root can chroot" >&2; exit 3; }
debian_mirror
registry
machine
image=debian:12
"$sbx" pull -q "$image" >/dev/null
mkdir "$tmp/ctx" "$tmp/base"
sources="rm -f /etc/apt/sources.list.d/* && echo 'deb [trusted=yes] $mirror bookworm main' >/etc/apt/sources.list"
cat >"$tmp/ctx/Dockerfile" <<EOF
FROM $image
RUN $sources
RUN apt-get update
RUN apt-get install -y nginx
EXPOSE 80
CMD ["nginx", "-g", "daemon off;"]
EOF
native_tree "$image" "$tmp/base"
cat >"$tmp/native" <<EOF
#!/bin/sh -e
# What a build leaves: a tree of its own for each run, and one archive of what came of it.
rm -rf $tmp/root && cp -a $tmp/base $tmp/root
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
chroot $tmp/root /bin/sh -c "$sources" >/dev/null 2>&1
chroot $tmp/root apt-get update >/dev/null 2>&1
chroot $tmp/root apt-get install -y nginx >/dev/null 2>&1
EOF
chmod +x "$tmp/native"
sides=("native=$tmp/native" "sbx=$sbx build -q --no-cache -t my-nginx $tmp/ctx >/dev/null")
second=("sbx version=$sbx version" "sbx build=$sbx build -q -t my-nginx $tmp/ctx >/dev/null")
if command -v podman >/dev/null; then
	# The files of its own, which leave nothing behind.
	podman="podman --root $tmp/podman --runroot $tmp/podman-run --storage-driver vfs"
	tar -C "$tmp/base" -c . | $podman import -q - "localhost/$image" >/dev/null
	mkdir "$tmp/podman-ctx"
	sed "1s|.*|FROM localhost/$image|" "$tmp/ctx/Dockerfile" >"$tmp/podman-ctx/Dockerfile"
	build="$podman build -q --isolation chroot --network host -t my-nginx"
	if printf 'FROM localhost/%s\nRUN true\n' "$image" | $build -f - "$tmp/podman-ctx" >"$tmp/said" 2>&1; then
		sides+=("podman=$build --no-cache $tmp/podman-ctx >/dev/null 2>&1")
		second+=("podman build=$build $tmp/podman-ctx >/dev/null 2>&1")
	else
		echo "podman does not build here: $(tail -n 1 "$tmp/said")"
	fi
fi
echo "the same steps"
"$pair" -n "$runs" "${sides[@]}"
echo
echo "the second build"
"$pair" -n 11 "${second[@]}"
