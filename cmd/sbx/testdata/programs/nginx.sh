nginx -v 2>&1 | cut -d/ -f1; mkdir -p www/sub logs tmp; cp /usr/share/common-licenses/* www/ 2>/dev/null; echo '<h1>hello</h1>' > www/index.html; cp /bin/bash www/big; chmod 755 /work; chmod -R a+rX www
cat > nginx.conf <<'EOF'
user www-data; worker_processes 2; pid /work/nginx.pid; error_log /work/logs/error.log notice;
events { worker_connections 256; }
http {
	include /etc/nginx/mime.types; access_log /work/logs/access.log; client_body_temp_path /work/tmp; proxy_temp_path /work/tmp; fastcgi_temp_path /work/tmp; uwsgi_temp_path /work/tmp; scgi_temp_path /work/tmp;
	sendfile on; tcp_nopush on; keepalive_timeout 5; gzip on; gzip_types text/plain; gzip_min_length 100; proxy_cache_path /work/cache keys_zone=c:1m; open_file_cache max=100; limit_req_zone $binary_remote_addr zone=z:1m rate=1000r/s;
	server { listen 127.0.0.1:8080; root /work/www; location /old { return 301 /new; } location ~ ^/re/(\d+)$ { return 200 "number $1\n"; } location /deny { deny all; } location /proxy/ { proxy_pass http://127.0.0.1:8081/; proxy_cache c; proxy_cache_valid 200 1m; add_header X-Cache $upstream_cache_status; } location /list/ { alias /work/www/; autoindex on; autoindex_format json; } location /limited { limit_req zone=z burst=5; } ssi on; }
	server { listen 127.0.0.1:8081; root /work/www; }
	server { listen unix:/work/sock; location / { return 200 "by a socket\n"; } }
}
EOF
nginx -t -c /work/nginx.conf 2>&1 | sed 's/^.*nginx: //'
nginx -c /work/nginx.conf -g 'daemon off;' & master=$!
for i in $(seq 100); do (: < /dev/tcp/127.0.0.1/8080) 2>/dev/null && break; sleep 0.1; done
for p in / /GPL-2 /big /re/42 /proxy/GPL-3 /nothing /deny/x /index.html; do curl -s -w '%{http_code} %{size_download} %{content_type}\n' -o body http://127.0.0.1:8080$p; sha256sum < body; done
curl -s http://127.0.0.1:8080/big | cmp - /bin/bash && echo same; wget -q -O - http://127.0.0.1:8080/GPL-2 2>/dev/null | wc -c; curl -s --compressed http://127.0.0.1:8080/proxy/GPL-2 -D - -o body | grep -iE '^(HTTP|content-encoding|x-cache)'; curl -s http://127.0.0.1:8080/proxy/GPL-2 -D - -o body | grep -i '^x-cache'; cmp body www/GPL-2 && echo equal; curl -s -r 100-199 http://127.0.0.1:8080/GPL-2 | sha256sum; curl -sI http://127.0.0.1:8080/old | grep -iE '^(HTTP|location)'; curl -s --unix-socket sock http://x/; curl -s http://127.0.0.1:8080/list/sub/../ | wc -c | awk '{ print ($1 > 100) }'; curl -s -X POST -d x http://127.0.0.1:8080/ -o /dev/null -w '%{http_code}\n'
for i in 1 2 3 4; do (for j in $(seq 25); do curl -s http://127.0.0.1:8080/GPL-2 | md5sum; done > s$i) & pids="$pids $!"; done; wait $pids; sort s? | uniq -c; rm s? body
pgrep -f '^nginx: ' | wc -l; ps -o args= -p $master; ps -o user=,args= --ppid $master | sort
sed -i 's/number/changed/' nginx.conf; before=$(pgrep -P $master | sort | xargs); kill -HUP $master; for i in $(seq 100); do curl -s http://127.0.0.1:8080/re/7 | grep -q changed && break; sleep 0.1; done
for i in $(seq 100); do after=$(pgrep -P $master | sort | xargs); [ "$(echo $before $after | tr ' ' '\n' | sort | uniq -d)" = "" ] && [ "$(wc -w <<< "$after")" -ge 2 ] && break; sleep 0.1; done; curl -s http://127.0.0.1:8080/re/7; ps -o args= --ppid $master | sort | grep worker
echo 'broken {' > broken.conf; cp nginx.conf good.conf; cp broken.conf nginx.conf; kill -HUP $master; for i in $(seq 50); do grep -q emerg logs/error.log && break; sleep 0.1; done; curl -s http://127.0.0.1:8080/re/8; cp good.conf nginx.conf; mv logs/access.log logs/access.1; kill -USR1 $master; for i in $(seq 50); do [ -e logs/access.log ] && break; sleep 0.1; done; curl -s http://127.0.0.1:8080/re/9; for i in $(seq 50); do [ -s logs/access.log ] && break; sleep 0.1; done; cut -d'"' -f2,3 logs/access.log; awk '{print $9}' logs/access.1 | sort | uniq -c | awk '$2 == 404 || $2 == 403 { print }'
kill -QUIT $master; wait $master; echo $?; (: < /dev/tcp/127.0.0.1/8080) 2>/dev/null || echo closed; ls *.pid sock 2>/dev/null; grep -oE '\[(emerg|alert|crit|error)\].*' logs/error.log | sed 's/\[\(.*\)\] [0-9#]*: \(\*[0-9]* \)*/\1 /' | sort | uniq -c
rm -r logs cache tmp
