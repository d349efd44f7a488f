\copy (select * from products order by id) to products.out
\copy users to users.out csv header
\! md5sum < users.out
copy (select id, name from users order by id limit 3) to stdout;
copy notes (title, stars) from stdin;
a	1
b	\N
ünï	3
\.
select title, stars from notes order by title;
copy notes (title, stars) from stdin;
c	not a number
\.
select 'goes on';
\copy (select i, md5(i::text) from generate_series(1, 100000) i) to many.out
\! md5sum < many.out
create table loaded (i int, m text);
\copy loaded from many.out
select count(*), min(m), max(m) from loaded;
drop table loaded;
\copy no_such from many.out
delete from notes;
