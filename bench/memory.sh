#!/usr/bin/env bash
# Memory of idle programs: the sbx that a detached container lives in, five seconds after its start, against the same programs natively in a
# chroot. What counts is the PSS of all processes; of which "files" are pages of programs and images that the host drops when it needs
# memory, and which further containers share. (An sbx that others run beside costs less: bench/life.sh.) The goal is 1.5 times native and 10 MB.
# Usage: SBX_TEST_IMAGES=DIR bench/memory.sh [RUNS]     as root, on Debian
. "$(dirname "$0")/lib.sh"
runs=${1:-3}
[ "$(id -u)" = 0 ] || { echo "only root can chroot" >&2; exit 3; }
command -v python3 >/dev/null || { echo "python3 is not installed" >&2; exit 3; }
leader=
ends() {
	[ -z "$leader" ] || kill -KILL $(ps -o pid= --sid "$leader") 2>/dev/null || true
	"$sbx" rm -f idle >/dev/null 2>&1 || true
	finish
}
trap ends EXIT
registry
machine
port=$(python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
installed idlers nginx postgresql <<EOF
RUN sed -i '/listen \[/d; s/listen .*default_server;/listen 127.0.0.1:$port default_server;/' /etc/nginx/sites-available/default
RUN mkdir -m 1777 /run/pg && printf '%s\n' "listen_addresses = ''" "unix_socket_directories = '/run/pg'" >>/etc/postgresql/15/main/postgresql.conf
EOF
tree=$tmp/tree
native_tree idlers "$tree"
mkdir -p "$tree/dev/shm"
chmod 1777 "$tree/dev/shm"

# kib PID...: "PSS files" of processes, KiB.
kib() {
	local pid files=()
	for pid; do files+=("/proc/$pid/smaps_rollup"); done
	awk '/^Pss:/ {p += $2} /^Pss_File:/ {f += $2} END {print p, f}' "${files[@]}"
}
natively() { # COMMAND...
	mkfifo "$tmp/input"
	setsid chroot "$tree" "$@" <"$tmp/input" >/dev/null 2>"$tmp/said" &
	leader=$!
	exec 7>"$tmp/input"
	sleep 5
	kill -0 "$leader" 2>/dev/null || { echo "$1 does not run natively:" >&2; cat "$tmp/said" >&2; exit 1; }
	kib $(ps -o pid= --sid "$leader") >>"$tmp/kib.native"
	kill -KILL $(ps -o pid= --sid "$leader")
	exec 7>&-
	wait "$leader" 2>/dev/null || true
	leader=
	rm -rf "$tmp/input" "$tree"/dev/shm/* "$tree"/var/lib/postgresql/*/main/postmaster.pid "$tree"/run/pg/.s*
}
contained() { # COMMAND...
	"$sbx" run -di --name idle idlers "$@" >/dev/null
	sleep 5
	kib "$("$sbx" inspect -f '{{.State.Pid}}' idle)" >>"$tmp/kib.sbx"
	"$sbx" rm -f idle >/dev/null
}
median() { sort -g "$1" | awk '{v[NR] = $0} END {print v[int((NR + 1) / 2)]}'; }
printf '%-12s %12s %10s %12s %10s %10s\n' 'MB' native 'of files' sbx 'of files' goal
compare() { # NAME COMMAND...
	local name=$1
	shift
	: >"$tmp/kib.native"
	: >"$tmp/kib.sbx"
	for _ in $(seq "$runs"); do
		natively "$@"
		contained "$@"
	done
	echo "$name $(median "$tmp/kib.native") $(median "$tmp/kib.sbx")" | awk '{
		printf "%-12s %12.1f %10.1f %12.1f %10.1f %10.1f  %s\n", $1, $2 / 1024, $3 / 1024, $4 / 1024, $5 / 1024, $2 * 1.5 / 1024 + 10,
			$4 <= $2 * 1.5 + 10240 ? "holds" : "missed" }'
}
compare bash bash --norc -i
compare nginx nginx -g 'daemon off;'
compare PostgreSQL setpriv --reuid=postgres --regid=postgres --init-groups /usr/lib/postgresql/15/bin/postgres -D /etc/postgresql/15/main
