#!/bin/sh
# A web application and its Redis, as two containers on a network, with what sbx builds of Debian's packages.
#
#   run.sh [PORT]      builds both, starts them, visits the page three times, and takes them away again
set -eu
cd "$(dirname "$0")"
port=${1:-8000}
sbx=${SBX:-sbx}

sbx() { command "$sbx" "$@"; }
leave() {
	sbx rm -f counter-web counter-redis >/dev/null 2>&1 || true
	sbx network rm counter >/dev/null 2>&1 || true
}
trap leave EXIT

sbx build -q -t counter-redis --target redis .
sbx build -q -t counter-web --target web .
sbx network create counter >/dev/null
sbx run -d --name counter-redis --network counter --network-alias redis counter-redis >/dev/null
sbx run -d --name counter-web --network counter -p "127.0.0.1:$port:8000" counter-web >/dev/null
sbx ps --format 'table {{.Image}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}'

for visit in 1 2 3; do
	for try in $(seq 50); do
		if curl -sf "http://127.0.0.1:$port/"; then break; fi
		[ "$try" -lt 50 ] || { echo "nobody answers on port $port" >&2; sbx logs counter-web >&2; exit 1; }
		sleep 0.2
	done
done
