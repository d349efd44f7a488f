// libpq's pipeline mode and its lower calls: PQprepare and PQdescribe*, PQsendFlushRequest, single-row mode, binary results,
// aborted pipelines, COPY, PQcancel, notifications, the fast-path function call and large objects.
#include <libpq/libpq-fs.h>
#include <sys/select.h>
#include <time.h>

#include "transcript.h"

static void send_one(const char* sql, const char* value) {
  const char* values[] = {value};
  if (!PQsendQueryParams(db, sql, value ? 1 : 0, NULL, values, NULL, NULL, 0)) die("send");
}

static void pipelines(void) {
  char number[16];
  begin("pipeline: prepared, reused, several syncs");
  PQenterPipelineMode(db);
  PQsendPrepare(db, "by_id", "select name from users where id = $1", 0, NULL);
  PQsendDescribePrepared(db, "by_id");
  for (int i = 1; i <= 20; i++) {
    const char* values[] = {number};
    snprintf(number, sizeof number, "%d", i);
    PQsendQueryPrepared(db, "by_id", 1, values, NULL, NULL, i % 2);
    if (i % 5 == 0) PQpipelineSync(db);
  }
  put_pipeline(4);
  PQpipelineSync(db);
  put_pipeline(1);
  end();

  begin("pipeline: aborted, then going on");
  send_one("insert into notes (title) values ($1)", "lost");
  send_one("select 1 / $1::int", "0");
  send_one("insert into notes (title) values ($1)", "skipped");
  PQsendPrepare(db, "never", "select 1", 0, NULL);
  PQpipelineSync(db);
  send_one("select count(*) from notes", NULL);
  PQsendQueryPrepared(db, "never", 0, NULL, NULL, NULL, 0);
  PQpipelineSync(db);
  put_pipeline(2);
  end();

  begin("pipeline: transaction and flush requests");
  send_one("begin", NULL);
  send_one("insert into notes (title) values ($1) returning title", "kept");
  PQsendFlushRequest(db);
  PQflush(db);
  for (int i = 0; i < 4; i++) put_result(PQgetResult(db));  // they arrive before any Sync
  send_one("select count(*) from notes", NULL);
  PQpipelineSync(db);
  put_pipeline(1);
  send_one("savepoint s", NULL);
  send_one("selec", NULL);
  PQpipelineSync(db);
  send_one("rollback to savepoint s", NULL);
  send_one("commit", NULL);
  send_one("delete from notes", NULL);
  PQpipelineSync(db);
  put_pipeline(2);
  if (!PQexitPipelineMode(db)) die("exit");
  put_query("select count(*) from notes");
  end();

  begin("pipeline: 2000 statements sent before any is read");
  PQenterPipelineMode(db);
  PQsetnonblocking(db, 1);
  long sum = 0, seen = 0, sent = 0;
  for (int flushed = 1; seen < 2000;) {
    if (sent < 2000) {
      snprintf(number, sizeof number, "%ld", sent);
      send_one("select $1::int, repeat('x', 500)", number);
      if (++sent == 2000) PQpipelineSync(db);
      if (sent % 500) continue;
      flushed = PQflush(db);
    }
    fd_set in, out;
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(PQsocket(db), &in);
    if (flushed) FD_SET(PQsocket(db), &out);
    if (sent == 2000 && PQisBusy(db)) select(PQsocket(db) + 1, &in, &out, NULL, NULL);
    if (!PQconsumeInput(db)) die("consume");
    flushed = PQflush(db);
    for (PGresult* r; sent == 2000 && seen < 2000 && !PQisBusy(db);) {
      if (!(r = PQgetResult(db))) continue;
      if (PQresultStatus(r) != PGRES_TUPLES_OK) die("result");
      sum += atol(PQgetvalue(r, 0, 0)), seen++;
      PQclear(r);
    }
  }
  PQsetnonblocking(db, 0);
  put_number(sum);
  put_pipeline(1);
  PQexitPipelineMode(db);
  end();
}

// A loop over a result: one statement a row, all sent before any is answered; then one for all rows.
static void loop(void) {
  begin("pipeline: N+1 and eager");
  PGresult* users = query(db, "select id from users order by id limit 15");
  PQenterPipelineMode(db);
  for (int i = 0; i < PQntuples(users); i++)
    send_one("select id, total from orders where user_id = $1 order by id",
             PQgetvalue(users, i, 0));
  PQpipelineSync(db);
  put_pipeline(1);
  send_one("select user_id, count(*) from orders where user_id = any($1) group by 1 order by 1",
           "{1,2,3,4,5,6,7,8}");
  PQpipelineSync(db);
  put_pipeline(1);
  PQexitPipelineMode(db);
  PQclear(users);
  end();
}

static void statements(void) {
  begin("prepare, describe, named portals");
  put_result(PQprepare(
      db, "s", "select id, name, $2::text as t from users where id > $1 order by id", 0, NULL));
  PGresult* r = PQdescribePrepared(db, "s");
  for (int i = 0; i < PQnparams(r); i++) put_number(PQparamtype(r, i));
  for (int i = 0; i < PQnfields(r); i++)
    put(PQfname(r, i)), put_number(PQftype(r, i)), put_number(PQftablecol(r, i));
  PQclear(r);
  put_result(PQprepare(db, "s", "select 1", 0, NULL));
  put_result(PQdescribePrepared(db, "no_such"));
  put_query("begin");
  put_query("declare c cursor for select id from users order by id");
  r = PQdescribePortal(db, "c");
  put(PQfname(r, 0));
  PQclear(r);
  put_query("fetch 2 from c");
  put_result(PQdescribePortal(db, "no_such"));
  put_query("rollback");
  put_query("deallocate s");
  put_result(PQdescribePrepared(db, "s"));
  put_result(PQprepare(db, "", "select $1::int + 1", 0,
                       NULL));  // the unnamed one, bound in another round trip
  const char* values[] = {"41"};
  put_result(PQexecPrepared(db, "", 1, values, NULL, NULL, 0));
  put_result(PQexecPrepared(db, "", 1, values, NULL, NULL, 0));
  put_query("select 'a simple query ends the unnamed statement'");
  put_result(PQexecPrepared(db, "", 1, values, NULL, NULL, 0));
  end();

  begin("single-row mode");
  long rows = 0, sum = 0;
  PQsendQuery(db, "select i from generate_series(1, 100000) i; select 7");
  PQsetSingleRowMode(db);
  while ((r = PQgetResult(db))) {
    if (PQresultStatus(r) == PGRES_SINGLE_TUPLE)
      rows++, sum += atol(PQgetvalue(r, 0, 0));
    else
      put(PQresStatus(PQresultStatus(r)));
    PQclear(r);
  }
  put_number(rows), put_number(sum);
  end();
}

static void outside(void) {
  char sql[256];
  begin("COPY, function call, large object");
  put_query("copy notes (title) from stdin");
  PQputCopyData(db, "x\ny\n", 4);
  PQputCopyEnd(db, NULL);
  put_result(PQgetResult(db)), put_result(PQgetResult(db));
  put_query("copy notes (title) from stdin");
  PQputCopyData(db, "z\n", 2);
  PQputCopyEnd(db, "given up by the client");
  put_result(PQgetResult(db)), put_result(PQgetResult(db));
  put_query("copy (select title from notes order by 1) to stdout");
  for (char* line; PQgetCopyData(db, &line, 0) > 0; PQfreemem(line)) put(line);
  put_result(PQgetResult(db)), put_result(PQgetResult(db));
  put_query("delete from notes");
  put_query("begin");
  Oid object = lo_creat(db, INV_READ | INV_WRITE);  // function calls of the protocol
  int handle = lo_open(db, object, INV_WRITE | INV_READ);
  char back[64] = "";
  put_number(lo_write(db, handle, "hello, large object", 19));
  put_number(lo_lseek(db, handle, 7, SEEK_SET));
  put_number(lo_read(db, handle, back, sizeof back - 1));
  put(back);
  put_number(lo_unlink(db, object));
  put_number(lo_open(db, object + 12345, INV_READ));
  put_query("rollback");
  end();

  begin("cancel");
  snprintf(sql, sizeof sql, "select pg_sleep(30), 'mark-%s'", getenv("SCHEMA"));
  PQsendQuery(db, sql);
  snprintf(sql, sizeof sql,
           "select 1 from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() and "
           "query like '%%mark-%s%%'",
           getenv("SCHEMA"));
  time_t limit = time(NULL) + 20;
  for (int running = 0; !running;) {
    PGresult* r = query(other, sql);
    running = PQntuples(r);
    PQclear(r);
    if (time(NULL) > limit) die("it does not run");
  }
  PGcancel* cancel = PQgetCancel(db);
  char error[256] = "";
  put_number(PQcancel(cancel, error, sizeof error));
  put(error);
  put_result(PQgetResult(db)), put_result(PQgetResult(db));
  put_query("select 5");
  put_number(PQcancel(cancel, error, sizeof error));  // of nothing: no effect on anyone
  put_query("select 6");
  PQfreeCancel(cancel);
  end();

  begin("notify, state of the connection");
  snprintf(sql, sizeof sql, "listen room_%s; notify room_%s, 'own'", getenv("INSTANCE"),
           getenv("INSTANCE"));
  put_query(sql);
  PGnotify* notify = PQnotifies(db);
  put(notify ? notify->extra : "none");
  put_number(notify && notify->be_pid == PQbackendPID(db));
  PQfreemem(notify);
  put_query("unlisten *");
  put_query("begin; select 1/0");
  put_number(PQtransactionStatus(db));
  put_query("rollback");
  put_number(PQtransactionStatus(db));
  put_query("");
  put_number(PQprotocolVersion(db));
  put(PQparameterStatus(db, "server_encoding"));
  put_query("set client_encoding to latin1");
  put(PQparameterStatus(db, "client_encoding"));
  put_query("reset client_encoding");
  put(PQparameterStatus(db, "client_encoding"));
  PQreset(db);
  put_query("show search_path");
  end();
}

int main(void) {
  db = connect_as("a"), other = connect_as("b");
  begin("connect");
  put_query("show search_path");
  put(PQparameterStatus(db, "server_version"));
  put_number(PQserverVersion(db));
  end();
  pipelines();
  loop();
  statements();
  outside();
  PQfinish(db), PQfinish(other);
  return 0;
}
