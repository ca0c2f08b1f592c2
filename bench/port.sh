#!/usr/bin/env bash
# What a published port costs: nginx from Debian in a container, asked through -p, beside the same nginx of the same files in a
# chroot, and under qemu-user and podman where they work. Requests a second (median of RUNS) by wrk, which has to be installed, for pages
# of several sizes, with the CPU time that the server took for one; a large file, compared by its SHA-256; and a thousand connections at once.
# Usage: SBX_TEST_IMAGES=DIR bench/port.sh [RUNS [SECONDS]]     as root, on Debian
. "$(dirname "$0")/lib.sh"
runs=${1:-3} seconds=${2:-3}
[ "$(id -u)" = 0 ] || { echo "only root can chroot" >&2; exit 3; }
for tool in wrk curl python3 ss; do command -v $tool >/dev/null || { echo "$tool is not installed" >&2; exit 3; }; done
ulimit -n 8192
pids=()
ends() {
	[ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null || true
	"$sbx" rm -f web >/dev/null 2>&1 || true
	finish
}
trap ends EXIT
registry
machine

ports=$(python3 -c 'import socket
s = [socket.create_server(("127.0.0.1", 0)) for _ in "123"]
print(*[x.getsockname()[1] for x in s])')
read -r native_port qemu_port sbx_port <<<"$ports"
installed my-nginx nginx <<'EOF'
RUN sed -i 's/worker_connections .*/worker_connections 4096;/' /etc/nginx/nginx.conf
RUN for n in 1k=1000 64k=65536 1m=1048576; do head -c "${n#*=}" /dev/urandom >/var/www/html/"${n%=*}"; done
EXPOSE 80
CMD ["nginx", "-g", "daemon off;"]
EOF
native_tree my-nginx "$tmp/root"
head -c 1073741824 /dev/urandom >"$tmp/root/var/www/html/big"
listen() { sed -i "s/^\(\s*listen \)[0-9.:]*\( default_server;\)/\1127.0.0.1:$1\2/; /listen \[/d" "$tmp/root/etc/nginx/sites-available/default"; }
answers() { # URL
	for _ in $(seq 100); do curl -sf -o /dev/null "$1/1k" && return; sleep 0.1; done
	return 1
}
urls=()
listen "$native_port"
chroot "$tmp/root" /usr/sbin/nginx -g 'daemon off;' 2>/dev/null &
pids+=($!)
answers "http://127.0.0.1:$native_port" || { echo "nginx does not run natively" >&2; exit 1; }
urls+=("native=http://127.0.0.1:$native_port")
"$sbx" run -d --name web -p "127.0.0.1:$sbx_port:80" -v "$tmp/root/var/www/html/big:/var/www/html/big:ro" my-nginx >/dev/null
answers "http://127.0.0.1:$sbx_port" || { "$sbx" logs web; exit 1; }
urls+=("sbx=http://127.0.0.1:$sbx_port")
qemu_in "$tmp/root"
if [ -n "$qemu" ]; then
	listen "$qemu_port"
	sed 's|^pid .*|pid /run/qemu.pid;|' "$tmp/root/etc/nginx/nginx.conf" >"$tmp/root/etc/nginx/qemu.conf"
	chroot "$tmp/root" $qemu /usr/sbin/nginx -c /etc/nginx/qemu.conf -g 'daemon off;' >"$tmp/said" 2>&1 &
	pids+=($!)
	if answers "http://127.0.0.1:$qemu_port"; then urls+=("qemu=http://127.0.0.1:$qemu_port"); else echo "qemu-user does not run nginx here: $(tail -n 1 "$tmp/said")"; fi
fi
if command -v podman >/dev/null; then
	podman="podman --root $tmp/podman --runroot $tmp/podman-run --storage-driver vfs"
	tar -C "$tmp/root" -c --exclude=./var/www/html/big . | $podman import -q - localhost/my-nginx >/dev/null
	if $podman run -d --name web --cgroups disabled -p 127.0.0.1::80 localhost/my-nginx sh -c "sed -i 's/listen .*default_server;/listen 80 default_server;/' /etc/nginx/sites-available/default; exec nginx -g 'daemon off;'" >"$tmp/said" 2>&1 &&
		url=http://$($podman port web 80) && answers "$url"; then
		urls+=("podman=$url")
	else
		echo "podman does not run here: $(tail -n 1 "$tmp/said")"
	fi
	trap '$podman rm -f web >/dev/null 2>&1 || true; ends' EXIT
fi

# ticks URL: the CPU time of the processes that listen there, in hundredths of a second.
ticks() {
	for pid in $(ss -Hltnp "sport = :${1##*:}" | grep -o 'pid=[0-9]*' | cut -d= -f2 | sort -u); do
		sed 's/.*) //' "/proc/$pid/stat"
	done | awk '{n += $12 + $13} END {print n + 0}'
}
median() { sort -g | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }
printf '%-22s' 'requests a second'
for u in "${urls[@]}"; do printf '%12s %7s %9s' "${u%%=*}" ratio CPU; done
echo
for page in 1k 64k 1m; do
	for connections in 4 64; do
		for _ in $(seq "$runs"); do
			for u in "${urls[@]}"; do
				before=$(ticks "$u")
				wrk -t2 -c"$connections" -d"${seconds}s" "${u#*=}/$page" >"$tmp/said"
				awk -v t=$(($(ticks "$u") - before)) '/requests in/ {print t * 10000 / $1}' "$tmp/said" >>"$tmp/cpu.${u%%=*}.$page.$connections"
				if grep -E 'Socket errors|Non-2xx' "$tmp/said" >&2; then echo "$u: errors with $page" >&2; fi
				awk '/^Requests\/sec/ {print $2}' "$tmp/said" >>"$tmp/rate.${u%%=*}.$page.$connections"
			done
		done
		printf '%-22s' "$page, $connections connections"
		base=$(median <"$tmp/rate.native.$page.$connections")
		for u in "${urls[@]}"; do
			v=$(median <"$tmp/rate.${u%%=*}.$page.$connections")
			cpu=$(median <"$tmp/cpu.${u%%=*}.$page.$connections")
			awk -v v="$v" -v b="$base" -v c="$cpu" 'BEGIN {printf "%12.0f %6.2fx %6.0f us", v, v / b, c}'
		done
		echo
	done
done

echo
want=$(sha256sum <"$tmp/root/var/www/html/big")
for u in "${urls[@]}"; do
	[ "${u%%=*}" != podman ] || continue
	got=$(curl -sf "${u#*=}/big" | sha256sum)
	rate=$(curl -sf -o /dev/null -w '%{speed_download}' "${u#*=}/big")
	printf '1 GiB from %-8s %s, %.0f MB/s\n' "${u%%=*}" "$([ "$got" = "$want" ] && echo intact || echo DAMAGED)" "$(awk -v r="$rate" 'BEGIN {print r / 1e6}')"
done
echo
for u in "${urls[@]}"; do
	wrk -t2 -c1000 -d"${seconds}s" "${u#*=}/1k" >"$tmp/said"
	errors=$(grep -E 'Socket errors|Non-2xx' "$tmp/said" || true)
	printf '1000 connections to %-8s %s requests a second,%s\n' "${u%%=*}" "$(awk '/^Requests\/sec/ {print $2}' "$tmp/said")" "${errors:- no error}"
done
