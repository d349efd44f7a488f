select :'application' = current_setting('application_name') as ours;
show search_path
;
\d users
\d+ orders
\dt
\di
\ds
\df no_such
\l shop
\du app
\dp notes
\sf no_such_function
select 1 as a, 'x'::text as b, now() as c, null as d \gdesc
\encoding
\echo :SERVER_VERSION_NUM :ENCODING
