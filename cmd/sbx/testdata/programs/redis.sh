redis-server --version | cut -d' ' -f1,2; mkdir data
cat > redis.conf <<'EOF'
port 6380
bind 127.0.0.1
unixsocket /work/redis.sock
dir /work/data
save ""
appendonly yes
appendfsync everysec
logfile /work/data/log
daemonize no
pidfile /work/redis.pid
io-threads 2
EOF
redis-server redis.conf & server=$!
cli() { redis-cli -p 6380 "$@"; }
for i in $(seq 100); do cli ping > /dev/null 2>&1 && break; sleep 0.1; done
cli ping; cli set key value; cli get key; cli incr n; cli rpush l a b c; cli lrange l 0 -1; cli hset h f 1 g 2; cli hgetall h; cli zadd z 1 a 2 b; cli zrange z 0 -1 withscores; cli setbit b 100 1; cli bitcount b; cli pfadd hll a b c; cli pfcount hll; cli geoadd geo 13.36 38.11 P; cli xadd s 1-1 f v; cli xlen s; cli eval 'local s = 0 for i = 1, 100000 do s = s + i end return s' 0; cli nosuch; cli -s /work/redis.sock dbsize; printf 'multi\nset t 1\nincr t\nexec\n' | cli; cli debug sleep 0 2>&1 | head -n 1; cli set short x px 100; sleep 0.3; cli exists short; cli config get maxmemory
(cli --csv subscribe ch > sub & echo $! > sub.pid; wait) & for i in $(seq 50); do [ "$(cli pubsub numsub ch | tail -n 1)" = 1 ] && break; sleep 0.1; done; cli publish ch message; for i in $(seq 50); do grep -q message sub && break; sleep 0.1; done; kill $(cat sub.pid); cat sub; rm sub.pid
redis-benchmark -p 6380 -q -n 3000 -c 20 -r 1000 -P 4 -t ping,set,get,incr,lpush,lrange_100,zadd,mset --csv | cut -d, -f1; echo ${PIPESTATUS[0]}; cli get counter:__rand_int__ | wc -l; for i in $(seq 2000); do echo "set bulk:$i $i"; done | cli --pipe | tail -n 1
cli bgsave; for i in $(seq 200); do cli info persistence | grep -q 'rdb_bgsave_in_progress:0' && break; sleep 0.1; done; cli info persistence | grep -E 'rdb_last_bgsave_status|aof_enabled' | tr -d '\r'; cli bgrewriteaof; for i in $(seq 200); do cli info persistence | grep -q 'aof_rewrite_in_progress:0' && break; sleep 0.1; done; cli --scan --pattern 'bulk:*' | sort | md5sum; ps -o args= -p $server; redis-check-rdb data/dump.rdb | tail -n 1 | cut -c 1-40; cli client list | wc -l; before=$(cli dbsize)
cli shutdown; wait $server; echo $?; redis-server redis.conf & server=$!; for i in $(seq 100); do cli ping > /dev/null 2>&1 && break; sleep 0.1; done; [ "$(cli dbsize)" = "$before" ] && echo everything is there; cli get bulk:1234; kill $server; wait $server; echo $?; rm -r data; ls
