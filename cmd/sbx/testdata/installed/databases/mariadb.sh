# MariaDB: a data folder, InnoDB and Aria tables, transactions, recovery after SIGKILL, a dump, the end by SIGTERM.
mkdir db; chown mysql db; pool=--innodb-buffer-pool-size=16M; mariadbd --no-defaults --verbose --help 2> /dev/null | grep -q '^innodb-buffer-pool-size-max' && pool="$pool --innodb-buffer-pool-size-max=64M" # else 8 TiB of addresses
mariadb-install-db --no-defaults --user=mysql --datadir=/work/db/data --skip-test-db $pool --auth-root-authentication-method=normal > install.out 2>&1; echo install $?
serve() { mariadbd --no-defaults --user=mysql --datadir=/work/db/data --socket=/work/db/sock --port=3307 --bind-address=127.0.0.1 --pid-file=/work/db/pid $pool --log-error=/work/db/log.err --plugin-dir=/usr/lib/mysql/plugin 2> /dev/null & server=$!; for i in $(seq 300); do mariadb-admin --no-defaults -S /work/db/sock ping > /dev/null 2>&1 && break; sleep 0.1; done; }
serve; mariadb-admin --no-defaults -S /work/db/sock ping
sql() { mariadb --no-defaults -S /work/db/sock -u root -N -B "$@"; }
sql -e 'create database d character set utf8mb4'
sql d <<'END'
create table people (id int auto_increment primary key, name varchar(50) unique, born date, data json, key (born)) engine=InnoDB;
insert into people (name, born, data) select concat('name ', seq), date_add('1970-01-01', interval seq day), json_object('n', seq) from seq_1_to_5000;
select count(*), max(born), sum(json_value(data, '$.n')) from people; select name, rank() over (order by born desc) from people order by id desc limit 3;
start transaction; delete from people where id % 2 = 0; select count(*) from people; rollback; select count(*) from people;
create table a (k int primary key, v text, fulltext (v)) engine=Aria; insert into a values (1, 'quick brown fox'), (2, 'lazy dog'), (3, 'nothing'); select k from a where match (v) against ('fox');
with recursive f as (select 1 n, 1 p union all select n + 1, p * 2 from f where n < 20) select max(p) from f; select upper('straße'), 'ß' = 'ss', length('日本'), char_length('日本'), sha2('x', 256), date_format('2024-02-29', '%W %j');
create procedure p(out n int) select count(*) into n from people; call p(@n); select @n; create trigger t before insert on a for each row set new.v = upper(new.v); insert into a values (4, 'shout'); select v from a where k = 4;
alter table people add column extra int default 7, algorithm=inplace; select sum(extra) from people; optimize table people; check table people, a; create table m (x int) engine=MyISAM; insert into m values (1), (2); select sum(x) from m;
END
sql d -e 'insert into people (name) values ("name 1")' 2>&1; sql d -e 'selekt' 2>&1 | cut -c 1-40; mariadb --no-defaults -h 127.0.0.1 -P 3307 -u root -N -B --skip-ssl d -e 'select count(*) from people' 2>&1 | tail -n 1
for c in 1 2 3 4; do (for i in $(seq 50); do echo "insert into people (name) values ('c$c.$i'); update people set extra = extra + 1 where id <= 10;"; done | sql d; echo $?) & jobs="$jobs $!"; done; wait $jobs; sql d -e 'select count(*) from people; select sum(extra) from people where id <= 10'
(sql d -e "begin; insert into people (name) select concat('lost ', seq) from seq_1_to_20000; select sleep(60)" > /dev/null 2>&1) & for i in $(seq 100); do [ "$(sql -e "select count(*) from information_schema.processlist where info like 'select sleep%'")" = 1 ] && break; sleep 0.1; done
kill -KILL $server; wait $server 2> /dev/null; echo killed $?; serve; grep -o 'Starting crash recovery' db/log.err | head -n 1; sql d -e 'select count(*) from people; select count(*) from people where name like "lost%"; check table people, a'
mariadb-dump --no-defaults -S /work/db/sock -u root --skip-dump-date d > dump.sql; echo dump $?; sql -e 'create database e'; sql e < dump.sql; echo restore $?; sql e -e 'select count(*), sum(id) > 0 from people'
kill -TERM $server; wait $server; echo $?; grep -c 'Shutdown complete' db/log.err; ls db; rm -r db dump.sql install.out
