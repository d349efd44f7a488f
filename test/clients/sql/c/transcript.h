// The connections of the libpq client, and how results are printed as the transcript's JSON lines.
//
// Flow: begin("case"); put...(value); end(). Anything unexpected ends the program with exit code 1.
#pragma once

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

static PGconn* db;
static PGconn* other;
static const char* current = "connect";
static int first;  // no comma before the next value

static void die(const char* what) {
  fprintf(stderr, "case '%s': %s: %s%s\n", current, what, PQerrorMessage(db),
          PQerrorMessage(other));
  exit(1);
}
static void put(const char* text) {
  printf(first ? "\"" : ",\"");
  first = 0;
  for (; text && *text; text++) {
    if (*text == '"' || *text == '\\')
      printf("\\%c", *text);
    else if ((unsigned char)*text < ' ')
      printf("\\u%04x", *text);
    else
      putchar(*text);
  }
  putchar('"');
}
static void put_number(long number) {
  char text[32];
  snprintf(text, sizeof text, "%ld", number);
  put(text);
}
static void begin(const char* name) {
  current = name;
  printf("{\"case\":\"%s\",\"got\":[", name);
  first = 1;
}
static void end(void) {
  printf("]}\n");
  fflush(stdout);
}

static void put_result(PGresult* r) {
  put(r ? PQresStatus(PQresultStatus(r)) : "-");
  if (!r) return;
  if (PQresultStatus(r) == PGRES_FATAL_ERROR) {
    put(PQresultErrorField(r, PG_DIAG_SQLSTATE));
    put(PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY));
  } else {
    if (*PQcmdStatus(r)) put(PQcmdStatus(r));
    for (int i = 0; i < PQntuples(r) && i < 3; i++)
      for (int c = 0; c < PQnfields(r); c++)
        put(PQgetisnull(r, i, c) ? "NULL" : PQfformat(r, c) ? "binary" : PQgetvalue(r, i, c));
  }
  PQclear(r);
}
static PGresult* query(PGconn* on, const char* sql) { return PQexec(on, sql); }
static void put_query(const char* sql) { put_result(query(db, sql)); }
// All results up to the end of `syncs` pipelines.
static void put_pipeline(int syncs) {
  int nulls = 0;
  while (syncs > 0) {
    PGresult* r = PQgetResult(db);
    if (!r) {
      if (++nulls > 2) die("results ended too soon");
      continue;
    }
    nulls = 0;
    if (PQresultStatus(r) == PGRES_PIPELINE_SYNC) syncs--;
    put_result(r);
  }
}
static PGconn* connect_as(const char* mark) {
  char options[256], name[128];
  snprintf(options, sizeof options, "-c search_path=%s -c statement_timeout=%d", getenv("SCHEMA"),
           30000 + atoi(getenv("INSTANCE")));
  snprintf(name, sizeof name, "matrix-%s", getenv("SCHEMA"));
  const char* keys[] = {"application_name", "options", "client_encoding",
                        "fallback_application_name", NULL};
  const char* values[] = {name, options, "UTF8", mark, NULL};
  PGconn* made = PQconnectdbParams(keys, values, 0);
  if (PQstatus(made) != CONNECTION_OK) {
    fprintf(stderr, "connect: %s\n", PQerrorMessage(made));
    exit(1);
  }
  return made;
}
