prepare p (int, text) as select name, $2 as t from users where id = $1;
execute p (1, 'a');
execute p (2, null);
deallocate p;
execute p (3, 'c');
begin;
insert into notes (title) values ('one') returning id > 0 as id, title;
savepoint s;
insert into notes (title) values ('one');
select 1;
rollback to s;
select count(*) from notes;
rollback;
select 1/0;
\set ON_ERROR_ROLLBACK on
begin;
insert into notes (title) values ('two');
insert into notes (title) values ('two');
insert into notes (title) values ('three');
commit;
\set ON_ERROR_ROLLBACK off
select title from notes order by title;
select 'delete from notes where title = ' || quote_literal(title) from notes order by title \gexec
select count(*) as n from notes \gset
\echo :n
select 1 \; select 2 \; select 1/0 \; select 3;
\set AUTOCOMMIT off
insert into notes (title) values ('lost');
rollback;
\set AUTOCOMMIT on
\set FETCH_COUNT 1000
\pset format unaligned
\o many.out
select i, repeat('x', 20) from generate_series(1, 100000) i;
\o
\! md5sum < many.out
\unset FETCH_COUNT
select id, active, name from users order by id limit 3 \crosstabview id active name
declare held cursor with hold for select id from users order by id;
fetch 3 from held;
select 'between';
fetch 2 from held;
close held;
show transaction_isolation;
do $$ begin raise notice 'hello'; raise warning 'careful' using hint = 'look'; end $$;
discard all;
