#!/usr/bin/env bash
# What living containers cost, whole processes, warm page cache: a further command in a running container, a detached start and
# its end, 20 at once, and the memory of idle ones. Linux only (memory is read from /proc).
# Usage: SBX_TEST_IMAGES=DIR bench/life.sh [RUNS]
. "$(dirname "$0")/lib.sh"
runs=${1:-21}
trap '"$sbx" rm -f $("$sbx" ps -aq) >/dev/null 2>&1 || true; finish' EXIT
registry
machine
"$sbx" pull -q debian:12 >/dev/null
box=$("$sbx" run -d debian:12 sleep 100000)
base=$("$sbx" run -d base sleep 100000)
"$sbx" exec "$box" true
"$sbx" exec "$base" true
"$pair" -n "$runs" "nothing=$sbx version" \
	"exec base=$sbx exec $base true" "exec debian=$sbx exec $box true" "exec debian bash=$sbx exec $box bash -c :" \
	"run debian=$sbx run --rm debian:12 true" "run -d debian=$sbx run -d --rm debian:12 true"
echo
began=$(date +%s%N)
for _ in $(seq 20); do "$sbx" run -d debian:12 sleep 100000 >/dev/null; done
started=$(date +%s%N)
printf '20 detached containers started one after another: %d ms each\n' $(((started - began) / 20000000))
sleep 3
pids=$("$sbx" inspect -f '{{.State.Pid}}' $("$sbx" ps -q))
total=0
for pid in $pids; do total=$((total + $(awk '/^Pss:/ {print $2}' "/proc/$pid/smaps_rollup"))); done
printf 'memory of %d idle containers, shared pages shared out: %d KiB each\n' $(wc -w <<<"$pids") $((total / $(wc -w <<<"$pids")))
began=$(date +%s%N)
"$sbx" stop -t 0 $("$sbx" ps -q) >/dev/null
printf 'all stopped with one command: %d ms\n' $((($(date +%s%N) - began) / 1000000))

began=$(date +%s%N)
starts=()
for _ in $(seq 20); do "$sbx" run -d --health-cmd true debian:12 sleep 100000 >/dev/null & starts+=($!); done
for pid in "${starts[@]}"; do wait "$pid"; done # and not for the registry
printf '20 detached containers with health checks started at once: %d ms in all\n' $((($(date +%s%N) - began) / 1000000))
ids=$("$sbx" ps -q)
pids=$("$sbx" inspect -f '{{.State.Pid}}' $ids)
began=$(date +%s%N)
kill -9 $pids
"$sbx" wait $ids >/dev/null
printf 'the processes of all killed, and known to be: %d ms\n' $((($(date +%s%N) - began) / 1000000))
began=$(date +%s%N)
"$sbx" start $ids >/dev/null
printf 'those started again with one command: %d ms\n' $((($(date +%s%N) - began) / 1000000))
