# CPython's own tests, a module at a time; or those that are named.
cd /tmp
export LC_ALL=C.UTF-8
all() { (cd /usr/lib/python3.11/test && ls) | sed -n 's/^\(test_[a-zA-Z0-9_]*\)\(\.py\)\?$/\1/p' | sort -u; }
for m in ${NAMES:-$(all)}; do
	timeout -k 5 300 python3 -m test "$m" > log 2>&1 < /dev/null
	status=$?
	case $status in
	0) if grep -q '^1 test skipped' log; then verdict=SKIP; else verdict=PASS; fi ;;
	*) verdict=FAIL ;;
	esac
	echo "$verdict $m"
	[ $verdict != FAIL ] || { echo "status $status"; grep -E '^(FAIL|ERROR|[A-Za-z]*Error)' log | head -n 8; }
done
