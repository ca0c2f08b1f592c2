#!/usr/bin/env bash
# What a build costs: the Dockerfile of a tutorial (apt-get update, apt-get install nginx on Debian) by sbx, by a chroot that does
# the same natively, and the second build, which finds every step. The packages come from the machine's own mirror: its speed
# is in both figures.
# Usage: SBX_TEST_IMAGES=DIR bench/build.sh [RUNS]     as root, on Debian
. "$(dirname "$0")/lib.sh"
runs=${1:-3}
[ "$(id -u)" = 0 ] || { echo "only root can chroot" >&2; exit 3; }
mirror=$(sed -n 's/^URIs: \(http:[^ ]*\).*/\1/p; s/^deb \(http:[^ ]*\).*/\1/p' /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list /etc/apt/sources.list 2>/dev/null | head -n 1 || true)
[ -n "$mirror" ] || { echo "no mirror of Debian's packages over HTTP" >&2; exit 3; }
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
"$sbx" create --name tree "$image" true >/dev/null
"$sbx" export tree | tar -xp -C "$tmp/base" --exclude='dev/*'
mknod -m 666 "$tmp/base/dev/null" c 1 3
mknod -m 666 "$tmp/base/dev/urandom" c 1 9
cp /etc/resolv.conf "$tmp/base/etc/resolv.conf"
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
echo "the same steps"
"$pair" -n "$runs" "native=$tmp/native" "sbx=$sbx build -q --no-cache -t my-nginx $tmp/ctx >/dev/null"
echo
echo "the second build"
"$pair" -n 11 "sbx version=$sbx version" "sbx build=$sbx build -q -t my-nginx $tmp/ctx >/dev/null"
