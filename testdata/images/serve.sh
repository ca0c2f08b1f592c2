#!/usr/bin/env bash
# Serves the images that make.sh made from a real registry on loopback, as docker.io's library would.
#
#   serve.sh OUT [PORT]       PORT: a free one is chosen when it is left out
#
# Prints `http://127.0.0.1:PORT` once every image can be pulled, and serves until its standard input
# closes or it is signalled. Names: debian12 is library/debian:12 and :latest (and library/ubuntu:latest,
# for the tutorial), debian13 is library/debian:13, debian13-full library/debian:13-full, tiny is library/tiny:latest.
# Needs Debian's docker-registry and skopeo. Exit status: 3 when this machine can't (and why).
set -euo pipefail

out=$(cd "${1:?usage: serve.sh OUT [PORT]}" && pwd)
port=${2:-}
cannot() { echo "serve.sh: cannot serve images here: $*" >&2; exit 3; }
for tool in docker-registry skopeo umoci; do
	command -v "$tool" >/dev/null || cannot "$tool is not installed"
done
[ -f "$out/oci/index.json" ] || cannot "no images in $out: run make.sh first"

state=$(mktemp -d)
registry=
stop() {
	[ -z "$registry" ] || kill "$registry" 2>/dev/null || true
	rm -rf "$state"
}
trap stop EXIT
trap 'exit 0' TERM INT HUP

for _ in 1 2 3 4 5 6 7 8; do
	p=${port:-$((20000 + RANDOM % 30000))}
	cat >"$state/config.yml" <<-YML
		version: 0.1
		log: {level: error, accesslog: {disabled: true}}
		storage: {filesystem: {rootdirectory: $state/data}, delete: {enabled: true}}
		http: {addr: "127.0.0.1:$p"}
	YML
	docker-registry serve "$state/config.yml" >"$state/log" 2>&1 </dev/null &
	registry=$!
	for _ in $(seq 600); do
		kill -0 "$registry" 2>/dev/null || break
		if (exec 9<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null; then
			sleep 0.1 # if somebody else answers there, it ends
			kill -0 "$registry" 2>/dev/null && break 2
		fi
		sleep 0.1
	done
	kill "$registry" 2>/dev/null || true
	[ -z "$port" ] || cannot "port $port: $(tail -n 1 "$state/log")"
done
kill -0 "$registry" 2>/dev/null || cannot "the registry did not start: $(tail -n 1 "$state/log")"

push() { # push IMAGE NAME...
	local image=$1 name
	shift
	for name; do
		skopeo copy --quiet --insecure-policy --dest-tls-verify=false "oci:$out/oci:$image" "docker://127.0.0.1:$p/library/$name" >&2
	done
}
for image in $(umoci list --layout "$out/oci"); do
	case $image in
	*.part) ;; # not made to its end
	debian12) push "$image" debian:12 debian:latest ubuntu:latest ;;
	debian*) push "$image" "debian:${image#debian}" ;;
	*) push "$image" "$image:latest" ;;
	esac
done

echo "http://127.0.0.1:$p"
cat >/dev/null # until the one who started us goes
