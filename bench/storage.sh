#!/usr/bin/env bash
# What storage costs, in one table: goal, measured, ratio. Whole processes by bench/pair, operations by vfs/bench_test.go; of each
# benchmark the fastest of several runs counts, so that other work on the machine does not decide.
# Usage: SBX_TEST_IMAGES=DIR bench/storage.sh [RUNS]
. "$(dirname "$0")/lib.sh"
runs=${1:-11}
registry
machine
for image in tiny large; do
	"$sbx" pull -q "$image" >/dev/null
	"$sbx" run --rm --userland=builtin "$image" sh -c :
done
"$pair" -n "$runs" "nothing=$sbx version" \
	"tiny=$sbx run --rm --userland=builtin tiny sh -c :" \
	"large=$sbx run --rm --userland=builtin large sh -c :" | tee "$tmp/start"
echo

# anon: the anonymous memory of a container that waits for a line, in bytes.
anon() {
	mkfifo "$tmp/line"
	"$sbx" run --rm -i --userland=builtin "$1" sh -c 'read x' <"$tmp/line" &
	local pid=$!
	exec 9>"$tmp/line"
	until "$sbx" ps -q | grep -q .; do sleep 0.05; done
	sleep 0.5
	awk '$1 == "RssAnon:" { print $2 * 1024 }' "/proc/$pid/status"
	exec 9>&-
	wait "$pid" || true
	rm "$tmp/line"
}
anon large >"$tmp/anon"

(cd "$here/../vfs" && go test -run '^$' -benchtime 50ms -count "$runs" \
	-bench '^Benchmark(Stat|Open|SequentialWrite|RenameBigDirectory|Fork|Memory)$' . >"$tmp/bench")

# best NAME: ns/op of a benchmark, the fastest of its runs. metric NAME: its B/entry.
best() { awk -v n="Benchmark$1" '{ sub(/-[0-9]+$/, "", $1) } $1 == n && (m == "" || $3 < m) { m = $3 } END { print m }' "$tmp/bench"; }
metric() { awk -v n="Benchmark$1" '{ sub(/-[0-9]+$/, "", $1) } $1 == n { for (i = 2; i < NF; i++) if ($(i + 1) == "B/entry") v = $i } END { print v }' "$tmp/bench"; }
wall() { awk -v n="$1" '$1 == n { print $2 }' "$tmp/start"; }
calc() { awk "BEGIN { printf \"%.2f\", $1 }"; }

# row WHAT GOAL UNIT MEASURED [-ge]: one line; ratio is measured to goal.
row() {
	awk -v what="$1" -v goal="$2" -v unit="$3" -v got="$4" -v ge="${5:-}" 'BEGIN {
		good = ge == "" ? got <= goal : got >= goal
		printf "%-46s %s %8.2f %-5s %9.2f %-5s %6.2f  %s\n", what, ge == "" ? "<=" : ">=", goal, unit, got, unit, got / goal, good ? "holds" : "missed"
	}'
}
printf '%-46s %17s %15s %6s\n' "what" "goal" "measured" "ratio"
row "start of a large image over nothing" 3 ms "$(calc "$(wall large) - $(wall nothing)")"
row "start, large image / small image" 1.2 x "$(calc "$(wall large) / $(wall tiny)")"
row "anonymous memory of an idle container" 4 MB "$(calc "$(cat "$tmp/anon") / 1e6")"
row "index, an entry" 96 B "$(metric Memory/index)"
row "upper layer, an entry" 200 B "$(metric Memory/upper)"
for op in Stat Open; do
	for layer in index upper; do
		row "$op, $layer / MemMapFs" 1 x "$(calc "$(best $op/vfs-$layer) / $(best $op/memmapfs)")"
		row "$op, $layer / host tmpfs" 0.3 x "$(calc "$(best $op/vfs-$layer) / $(best $op/host-tmpfs)")"
	done
done
row "rename of a directory of 10,000, upper" 20 us "$(calc "$(best RenameBigDirectory/upper) / 1e3")"
row "rename of a directory of 10,000, index" 20 us "$(calc "$(best RenameBigDirectory/index) / 1e3")"
row "sequential write / host tmpfs" 2 x "$(calc "$(best SequentialWrite/host-tmpfs) / $(best SequentialWrite/vfs)")" -ge
row "Fork" 10 us "$(calc "$(best Fork) / 1e3")"
