sqlite3 t.db <<'EOF'
create table t(a integer primary key, b text, c real);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 100000) insert into t select i, 'row ' || (i * 7919 % 10007), i / 7.0 from n;
create index tb on t(b);
select count(*), sum(a), round(avg(c), 6), min(b), max(b) from t;
select b, count(*) from t group by b order by 2 desc, 1 limit 3;
explain query plan select * from t where b = 'row 5';
begin; delete from t where a % 2; select count(*) from t; rollback; select count(*) from t;
pragma journal_mode=wal; update t set c = c + 1 where a < 1000; pragma wal_checkpoint; pragma integrity_check; vacuum;
create virtual table ft using fts5(x); insert into ft values('the quick brown fox'), ('lazy dog'); select x from ft where ft match 'quick OR dog' order by rank;
select json_extract('{"a":[1,{"b":2}]}', '$.a[1].b'), date(0, 'unixepoch'), printf('%.3f', 1.0 / 3), hex(zeroblob(3));
.mode csv
.headers on
select * from t where a < 4;
EOF
sqlite3 t.db .dump | md5sum; sqlite3 t.db '.schema' 'select nothing'; echo $?; for i in 1 2 3 4 5; do sqlite3 -cmd '.timeout 20000' t.db "insert into t(b) values('p$i')" & done; wait; sqlite3 t.db "select count(*) from t where b like 'p_'"; sqlite3 t.db '.backup b.db'; sqlite3 b.db 'pragma integrity_check'; sqlite3 :memory: 'attach "b.db" as b; select count(*) from b.t'; rm *.db*
