# PostgreSQL: initdb, SQL of every kind, pgbench, recovery after SIGKILL of one backend and of all, a dump, a streaming standby.
PATH=$(echo /usr/lib/postgresql/*/bin):$PATH; mkdir db; chown postgres db; chmod 700 db
as() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }
as initdb -D db/a -A trust --locale=C.UTF-8 > initdb.out 2>&1; echo initdb $?; grep -c '^creating\|ok$' initdb.out
cat >> db/a/postgresql.conf <<'END'
listen_addresses = '127.0.0.1'
port = 5433
unix_socket_directories = '/work/db'
shared_buffers = 16MB
wal_level = replica
max_wal_senders = 3
END
as pg_ctl -D db/a -l db/a.log -w start > /dev/null; echo start $?
sql() { psql -h /work/db -p 5433 -U postgres -qAtX -v ON_ERROR_STOP=1 "$@"; }
sql -c 'select 6 * 7' -c "select count(*) > 300 from pg_settings" -c "select 'ß' < 'z', upper('straße'), length('日本')"
sql <<'END'
create table people (id serial primary key, name text not null unique, born date, data jsonb default '{}');
insert into people (name, born, data) select 'name ' || i, date '1970-01-01' + i, jsonb_build_object('n', i, 'tags', array['a', 'b' || i % 3]) from generate_series(1, 5000) i;
create index on people using gin (data); create index on people (born); analyze people;
select count(*), max(born), sum((data->>'n')::int) from people where data @> '{"tags": ["b1"]}';
select name, rank() over (order by born desc), lag(name) over (order by born) from people order by id desc limit 3;
with recursive f(a, b) as (values (0::numeric, 1::numeric) union all select b, a + b from f where b < 1e30) select max(a) from f;
begin; delete from people where id % 2 = 0; select count(*) from people; rollback; select count(*) from people;
create function twice(x int) returns int language plpgsql as $$ begin if x > 100 then raise exception 'too much: %', x; end if; return 2 * x; end $$; select twice(21);
create extension pgcrypto; select encode(digest('x', 'sha256'), 'hex'); select crypt('p', crypt('p', gen_salt('bf', 4))) is not null;
select to_tsvector('english', 'The quick foxes jumped') @@ to_tsquery('fox & jump'); select regexp_replace('abc123', '(\d+)', '<\1>'); select extract(epoch from timestamptz '2024-02-29 12:00+00'), interval '1 month' + date '2024-01-31';
create table log (at timestamptz default now(), what text); create function note() returns trigger language plpgsql as $$ begin insert into log (what) values (tg_op || ' ' || new.name); return new; end $$; create trigger t after update on people for each row execute function note(); update people set name = 'renamed' where id = 7; select what from log;
create table part (k int, v text) partition by range (k); create table part1 partition of part for values from (0) to (100); create table part2 partition of part for values from (100) to (200); insert into part select i, i from generate_series(0, 199) i; select tableoid::regclass, count(*) from part group by 1 order by 1;
set min_parallel_table_scan_size = 0; set parallel_setup_cost = 0; set parallel_tuple_cost = 0; set max_parallel_workers_per_gather = 2; explain (costs off) select sum(id) from people; select sum(id) from people;
set work_mem = '64kB'; select count(*) from (select md5(i::text) m from generate_series(1, 30000) i order by m) s;
vacuum full people; checkpoint; reindex table people; select count(*) from people;
END
sql -c 'select twice(101)' 2>&1 | head -n 1; sql -c 'insert into people (name) values (null)' 2>&1 | head -n 1; sql -c 'selekt' 2>&1 | head -n 1
psql -h 127.0.0.1 -p 5433 -U postgres -qAtX -c 'show listen_addresses' -c "copy (select id, name from people order by id limit 3) to stdout csv header"
(sql -c 'listen ch' -c "select pg_sleep(1)" -c 'select 1' & sleep 0.5; sql -c "notify ch, 'hello'"; wait) | sed 's/PID [0-9]*/PID/'
pgbench -h /work/db -p 5433 -U postgres -i -s 1 -q postgres > /dev/null 2>&1; echo $?
pgbench -h /work/db -p 5433 -U postgres -c 4 -j 2 -t 100 postgres 2>/dev/null | grep -E 'processed|failed'
pgbench -h 127.0.0.1 -p 5433 -U postgres -c 4 -j 2 -t 200 -n -S -M prepared postgres 2>/dev/null | grep -E 'processed|failed'
sql -c 'select (select sum(abalance) from pgbench_accounts) = (select sum(delta) from pgbench_history), (select count(*) from pgbench_history)'
for i in 1 2 3 4; do sql -c "set statement_timeout = '100ms'; select pg_sleep(5)" 2>&1 | head -n 1 & done; wait

# one backend is killed: the postmaster ends the others and recovers
sql -c 'select pg_sleep(60)' 2>&1 | head -n 1 & for i in $(seq 100); do victim=$(sql -c "select pid from pg_stat_activity where query like 'select pg_sleep(60)%'"); [ -n "$victim" ] && break; sleep 0.1; done
kill -KILL $victim; wait %1 2> /dev/null; for i in $(seq 200); do sql -c 'select 1' > /dev/null 2>&1 && break; sleep 0.1; done
sql -c 'select count(*) from people'; grep -o 'was terminated by signal 9: Killed' db/a.log; grep -o 'all server processes terminated; reinitializing' db/a.log

# all of it is killed amid a transaction: what was committed is there, what was not is not
sql -c "insert into log (what) values ('committed')"; (sql -c 'begin' -c "insert into log (what) select 'lost' from generate_series(1, 20000)" -c 'select pg_sleep(60)' > /dev/null 2>&1) & for i in $(seq 100); do [ "$(sql -c "select count(*) from pg_stat_activity where query like 'select pg_sleep(60)%' and state = 'active' and pid <> pg_backend_pid()")" = 1 ] && break; sleep 0.1; done
kill -KILL $(head -n 1 db/a/postmaster.pid) $(pgrep -u postgres postgres) 2> /dev/null; wait 2> /dev/null; while pgrep -u postgres postgres > /dev/null; do sleep 0.1; done
as pg_controldata db/a | grep -E 'cluster state'; as pg_ctl -D db/a -l db/a.log -w start > /dev/null; echo start $?; grep -o 'database system was not properly shut down; automatic recovery in progress' db/a.log | tail -n 1
sql -c "select what, count(*) from log group by 1 order by 1" -c 'select count(*) from pgbench_history'

# a dump of it, and a standby
pg_dump -h /work/db -p 5433 -U postgres postgres > dump.sql 2> dump.err; echo dump $?; cat dump.err; sql -c 'create database again'; psql -h /work/db -p 5433 -U postgres -qX -d again -f dump.sql > /dev/null 2>&1; echo restore $?; psql -h /work/db -p 5433 -U postgres -qAtX -d again -c 'select count(*), sum(id) from people'
pg_dump -h /work/db -p 5433 -U postgres -Fc postgres > dump.c; pg_restore -l dump.c | grep -c TABLE
as pg_basebackup -h /work/db -p 5433 -U postgres -D db/b -R -X stream -c fast; echo base $?; sed -i 's/^port = .*/port = 5434/' db/b/postgresql.conf; as pg_ctl -D db/b -l db/b.log -w start > /dev/null; echo start $?
sql -c "insert into log (what) values ('for the standby')"; b() { psql -h /work/db -p 5434 -U postgres -qAtX "$@"; }; for i in $(seq 200); do [ "$(b -c "select count(*) from log where what = 'for the standby'")" = 1 ] && break; sleep 0.1; done; b -c "select what from log where what like 'for%'" -c 'select pg_is_in_recovery()'; b -c 'create table x ()' 2>&1
as pg_ctl -D db/b promote > /dev/null; echo promote $?; b -c 'create table x ()' -c 'select pg_is_in_recovery()'
as pg_ctl -D db/b -m immediate stop > /dev/null; echo stop $?; as pg_ctl -D db/a -m fast stop > /dev/null; echo stop $?; as pg_controldata db/a | grep -E 'cluster state'; pgrep -u postgres postgres; ls db; rm -r db dump.* initdb.out
