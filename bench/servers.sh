#!/usr/bin/env bash
# Servers and their clients in one container: pgbench of PostgreSQL (select only, 4 clients) and redis-benchmark, against the same script
# natively in a chroot, in turns; medians of what they say they did a second. (bench/port.sh asks from outside. Under qemu-user a
# server of several processes runs half natively: no comparison.)
# Usage: SBX_TEST_IMAGES=DIR bench/servers.sh [RUNS [SECONDS]]     as root, on Debian
. "$(dirname "$0")/lib.sh"
runs=${1:-3} seconds=${2:-5}
[ "$(id -u)" = 0 ] || { echo "only root can chroot" >&2; exit 3; }
command -v python3 >/dev/null || { echo "python3 is not installed" >&2; exit 3; }
registry
machine
read -r port1 port2 <<<"$(python3 -c 'import socket
s = [socket.create_server(("127.0.0.1", 0)) for _ in "12"]
print(*[x.getsockname()[1] for x in s])')"
cat >"$tmp/servers" <<EOF
set -e
export PATH=\$(echo /usr/lib/postgresql/*/bin):/usr/sbin:/usr/bin:/sbin:/bin
d=\$(mktemp -d)
chown postgres "\$d"
cd "\$d"
as() { setpriv --reuid=postgres --regid=postgres --init-groups "\$@"; }
trap 'as pg_ctl -D "\$d/db" -m immediate stop >/dev/null 2>&1 || true; redis-cli -p $port2 shutdown nosave >/dev/null 2>&1 || true; rm -rf "\$d"' EXIT
as initdb -D "\$d/db" -A trust --locale=C.UTF-8 >"\$d/said"
printf '%s\n' "listen_addresses = '127.0.0.1'" "port = $port1" "unix_socket_directories = '\$d'" >>"\$d/db/postgresql.conf"
as pg_ctl -D "\$d/db" -l "\$d/log" -w start >"\$d/said" || { cat "\$d/said" "\$d/log" >&2; exit 1; }
pgbench -h "\$d" -p $port1 -U postgres -i -s 4 -q postgres >"\$d/said" 2>&1 || { cat "\$d/said" >&2; exit 1; }
selects() { # NAME HOST FLAGS...
	n=\$1 h=\$2
	shift 2
	pgbench -h "\$h" -p $port1 -U postgres -n -S -c 4 -T $seconds "\$@" postgres 2>&1 | awk -v n="\$n" '/^tps/ {print n "\t" \$3}'
}
selects 'pgbench -S -c 4, unix socket' "\$d"
selects 'pgbench -S -c 4, TCP' 127.0.0.1
selects 'pgbench -S -c 4 -M prepared, unix socket' "\$d" -M prepared
redis-server --port $port2 --save '' --daemonize yes >"\$d/said"
i=0
until redis-cli -p $port2 ping >/dev/null 2>&1; do i=\$((i + 1)); [ \$i -lt 100 ]; sleep 0.1; done
asks() { # NAME FLAGS...
	n=\$1
	shift
	redis-benchmark -p $port2 --csv -t set,get,lpush,lrange_100 "\$@" | awk -F'"' -v n="\$n" '\$2 != "test" && \$2 !~ /needed/ {sub(/ .*/, "", \$2); print n " " \$2 "\t" \$4}'
}
asks 'redis-benchmark' -n $((seconds * 10000))
asks 'redis-benchmark -P 16' -n $((seconds * 40000)) -P 16
EOF
installed servers postgresql postgresql-contrib redis-server </dev/null
tree=$tmp/tree
native_tree servers "$tree"
cp "$tmp/servers" "$tree/servers"
mkdir -p "$tree/dev/shm"
chmod 1777 "$tree/dev/shm"
mount -t proc proc "$tree/proc"
trap 'umount -l "$tree/proc" || true; finish' EXIT
for _ in $(seq "$runs"); do
	chroot "$tree" sh /servers | sed 's/^/native\t/' >>"$tmp/rates"
	"$sbx" run --rm -v "$tmp/servers:/servers:ro" servers sh /servers | sed 's/^/sbx\t/' >>"$tmp/rates"
done
median() { awk -F'\t' -v s="$1" -v n="$2" '$1 == s && $2 == n {print $3}' "$tmp/rates" | sort -g | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }
printf '%-42s %10s %10s %7s\n' 'a second' native sbx ratio
awk -F'\t' '!seen[$2]++ {print $2}' "$tmp/rates" | while read -r name; do
	awk -v name="$name" -v n="$(median native "$name")" -v s="$(median sbx "$name")" \
		'BEGIN {printf "%-42s %10.0f %10.0f %6.2fx  %s\n", name, n, s, s / n, s >= n / 2 ? "holds" : "missed"}'
done
