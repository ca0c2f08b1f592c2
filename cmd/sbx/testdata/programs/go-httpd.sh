# A static program of Go's: the test compiled it.
/assets/httpd > log 2>&1 & server=$!
for i in $(seq 300); do [ -e ready ] && break; sleep 0.1; done
curl -s http://127.0.0.1:8080/files/GPL-2 | sha256sum; curl -s http://127.0.0.1:8080/count; curl -s --data-binary @/bin/bash http://127.0.0.1:8080/echo | cmp - /bin/bash && echo same
curl -s -o /dev/null -w '%{http_code} %{size_download}\n' http://127.0.0.1:8080/none; curl -s -r 10-19 http://127.0.0.1:8080/files/GPL-2 | od -c; curl -s http://127.0.0.1:8080/panic; echo $?; curl -sI http://127.0.0.1:8080/files/GPL-2 | grep -i -E '^(HTTP|content-length|accept)'
for i in 1 2 3 4; do (for j in $(seq 10); do curl -s http://127.0.0.1:8080/count; done > c$i) & pids="$pids $!"; done; wait $pids; sort -n c? | uniq | wc -l; rm c?
kill $server; wait $server; echo $?; grep -E '^(linux|count|200 OK|shutdown)|nil pointer' log | sed 's/^[0-9/]* [0-9:]* //; s/127.0.0.1:[0-9]*:/CLIENT:/'; rm log
