// PostgreSQL's JDBC driver: unnamed statements that become named (S_1 ...) at the fifth use, BEGIN by Parse, portals with a
// fetch size, batches, autosave, COPY, cancel, notifications, and its "simple" query mode.
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.sql.*;
import java.util.*;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;
import org.postgresql.copy.CopyManager;

public class Jdbc {
  interface Body { Object get() throws Exception; }
  interface Step { void run() throws Exception; }

  static final String schema = System.getenv("SCHEMA");
  static final int instance = Integer.parseInt(System.getenv("INSTANCE"));
  static Connection db, other;
  static String way;

  static String json(Object value) {
    if (value == null || value instanceof Number || value instanceof Boolean) return String.valueOf(value);
    if (value instanceof byte[] bytes) return json("bytes:" + HexFormat.of().formatHex(bytes));
    if (value instanceof Collection<?> list) {
      StringJoiner joined = new StringJoiner(",", "[", "]");
      for (Object item : list) joined.add(json(item));
      return joined.toString();
    }
    StringBuilder text = new StringBuilder("\"");
    for (char c : value.toString().toCharArray()) {
      if (c == '"' || c == '\\') text.append('\\').append(c);
      else if (c < ' ') text.append(String.format("\\u%04x", (int) c));
      else text.append(c);
    }
    return text.append('"').toString();
  }
  static void run(String name, Body body) {
    try {
      String line = "{\"case\":" + json(way + ": " + name) + ",\"got\":" + json(body.get()) + "}\n";
      System.out.write(line.getBytes(StandardCharsets.UTF_8));
      System.out.flush();
    } catch (Throwable e) {
      System.err.println("case '" + name + "'");
      e.printStackTrace();
      System.exit(1);
    }
  }
  static void check(boolean holds, String what) { if (!holds) throw new AssertionError("does not hold: " + what); }
  static List<Object> fails(Step step) throws Exception {
    try {
      step.run();
    } catch (SQLException e) {
      Throwable next = e.getNextException();
      return Arrays.asList(e.getSQLState(), e.getMessage(), next == null ? null : next.getMessage());
    }
    throw new AssertionError("an error was expected");
  }
  static Connection connect() throws SQLException {
    Properties p = new Properties();
    p.setProperty("user", System.getenv("PGUSER"));
    p.setProperty("password", System.getenv("PGPASSWORD"));
    p.setProperty("ApplicationName", "matrix-" + schema);
    p.setProperty("currentSchema", schema);
    p.setProperty("options", "-c statement_timeout=" + (30000 + instance));
    p.setProperty("preferQueryMode", way);
    return DriverManager.getConnection("jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/"
        + System.getenv("PGDATABASE"), p);
  }
  static List<Object> rows(Connection on, String sql, Object... args) throws SQLException {
    try (PreparedStatement s = on.prepareStatement(sql)) { return fill(s, args); }
  }
  static List<Object> fill(PreparedStatement s, Object... args) throws SQLException {
    for (int i = 0; i < args.length; i++) s.setObject(i + 1, args[i]);
    return s.execute() ? all(s.getResultSet()) : List.of(s.getUpdateCount());
  }
  static List<Object> all(ResultSet r) throws SQLException {
    List<Object> found = new ArrayList<>();
    int columns = r.getMetaData().getColumnCount();
    while (r.next()) {
      List<Object> row = new ArrayList<>();
      for (int c = 1; c <= columns; c++) row.add(r.getObject(c) instanceof byte[] b ? b : r.getString(c));
      found.add(columns == 1 ? row.get(0) : row);
    }
    return found;
  }
  static Object one(String sql, Object... args) throws SQLException { return rows(db, sql, args).get(0); }
  static void execute(String sql) throws SQLException {
    try (Statement s = db.createStatement()) { s.execute(sql); }
  }

  public static void main(String[] unused) throws Exception {
    for (String mode : List.of("extended", "extendedCacheEverything", "simple")) {
      way = mode;
      db = connect();
      other = connect();
      cases();
      db.close();
      other.close();
    }
  }

  static void cases() {
    run("connect", () -> {
      check(one("show application_name").equals("matrix-" + schema), "application_name is ours");
      check(one("show statement_timeout").equals((30000 + instance) + "ms"), "statement_timeout is ours");
      Map<String, String> status = new TreeMap<>(((PGConnection) db).getParameterStatuses());
      status.remove("application_name");
      return List.of(one("show search_path"), db.getMetaData().getDatabaseProductVersion(), status.toString(), db.isValid(5));
    });
    run("types", () -> {
      List<Object> got = new ArrayList<>();
      for (int i = 0; i < 7; i++) { // text first, binary once the statement is named
        got.add(rows(db, "select ?::int2, ?, ?::text, ?::bytea, ?::numeric, ?::float8, 9007199254740993::int8, array[1,null], true, "
            + "timestamptz '2024-02-29 12:34:56.789+02', date '2024-02-29', '{\"x\":1}'::jsonb", i, i * 100000L, "ünï 😀 'q'\\",
            way.equals("simple") ? "\\x00ff" : new byte[] {0, -1}, new java.math.BigDecimal("12.340"), Double.NaN));
      }
      return got;
    });
    run("statements become named", () -> {
      List<Object> got = new ArrayList<>();
      try (PreparedStatement byId = db.prepareStatement("select name from users where id = ?");
          PreparedStatement count = db.prepareStatement("select count(*) from orders where user_id > ?")) {
        for (int i = 1; i <= 14; i++) {
          got.addAll(fill(byId, i));
          got.addAll(fill(count, i));
          if (i % 5 == 0) got.add(rows(db, "select email from users where id = ?", i));
        }
        got.add(fails(() -> fill(byId, "x")));
        got.add(fill(byId, 3));
      }
      return got;
    });
    run("cached plan must not change result type", () -> {
      execute("insert into notes (title) values ('c')");
      try (PreparedStatement s = db.prepareStatement("select * from notes where title = ?")) {
        for (int i = 0; i < 7; i++) fill(s, "c");
        for (String change : List.of("add column extra int default 5", "drop column extra")) {
          execute("alter table notes " + change);
          int columns = change.startsWith("add") ? 7 : 6;
          try { // as PostgreSQL's own, or with the new columns
            check(((List<?>) fill(s, "c").get(0)).size() == columns, "the new columns");
          } catch (SQLException e) {
            check(e.getSQLState().equals("0A000"), "it is 0A000, not " + e.getMessage());
          }
          check(((List<?>) fill(s, "c").get(0)).size() == columns, "the driver prepared it anew");
        }
      }
      return rows(db, "delete from notes");
    });
    run("transactions", () -> {
      List<Object> got = new ArrayList<>();
      db.setAutoCommit(false);
      String insert = "insert into notes (title, stars) values (?, ?)";
      rows(db, insert, "a", 1);
      Savepoint s = db.setSavepoint("s");
      got.add(fails(() -> rows(db, insert, "a", 2)));
      got.add(fails(() -> one("select 1")));
      db.rollback(s);
      rows(db, insert, "b", 2);
      got.add(one("select count(*) from notes"));
      db.rollback();
      got.add(one("select count(*) from notes"));
      db.rollback();
      db.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
      db.setReadOnly(true);
      got.add(List.of(one("show transaction_isolation"), one("show transaction_read_only"), fails(() -> rows(db, insert, "x", 1))));
      db.rollback();
      db.setReadOnly(false);
      db.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
      rows(db, insert, "kept", 3);
      db.commit();
      db.setAutoCommit(true);
      got.add(rows(db, "delete from notes returning title"));
      return got;
    });
    run("errors, warnings, several statements", () -> {
      List<Object> got = new ArrayList<>();
      for (String sql : List.of("selec 1", "select * from no_such_table", "insert into orders (user_id, placed_at) values (999, now())",
          "insert into notes (title) values ('gone'); select 1/0; select 2")) got.add(fails(() -> execute(sql)));
      got.add(fails(() -> rows(db, "select 1 / ?::int", 0)));
      try (Statement s = db.createStatement()) {
        s.execute("do $$ begin raise warning 'careful'; end $$");
        got.add(s.getWarnings().getMessage());
        s.execute("select 1; insert into notes (title) values ('m'); delete from notes; select 2, 3");
        for (boolean more = true; more || s.getUpdateCount() != -1; more = s.getMoreResults()) {
          got.add(s.getResultSet() != null ? all(s.getResultSet()) : s.getUpdateCount());
        }
      }
      got.add(one("select count(*) from notes"));
      return got;
    });
    run("SET, SET LOCAL, RESET", () -> {
      int own = 5000 + instance;
      execute("set statement_timeout = " + own);
      execute("set time zone 'Asia/Tokyo'");
      for (int i = 0; i < 15; i++) check(one("show statement_timeout").equals(own + "ms"), "SET stays with its client");
      List<Object> got = new ArrayList<>(List.of(one("select (timestamptz '2024-01-01 00:00+00')::text")));
      db.setAutoCommit(false);
      execute("set local time zone 'Europe/Riga'");
      got.add(one("show timezone"));
      db.commit();
      got.add(one("show timezone"));
      db.commit();
      db.setAutoCommit(true);
      db.setClientInfo("ApplicationName", "renamed-" + schema);
      check(one("show application_name").equals("renamed-" + schema), "the new application_name is ours");
      db.setClientInfo("ApplicationName", "matrix-" + schema);
      execute("reset statement_timeout");
      execute("reset time zone");
      check(one("show statement_timeout").equals((30000 + instance) + "ms"), "RESET gives the start-up value");
      got.add(one("show timezone"));
      return got;
    });
    run("fetch size, batch, generated keys", () -> {
      db.setAutoCommit(false);
      long sum = 0;
      try (PreparedStatement s = db.prepareStatement("select i, repeat('x', 20) from generate_series(1, ?) i")) {
        s.setFetchSize(5000);
        s.setInt(1, 100000);
        for (ResultSet r = s.executeQuery(); r.next();) sum += r.getInt(1) + r.getString(2).length();
      }
      List<Object> got = new ArrayList<>(List.of(sum));
      try (PreparedStatement s = db.prepareStatement("insert into notes (title, stars) values (?, ?)", new String[] {"stars"})) {
        for (int i = 0; i < 300; i++) { s.setString(1, "b" + i); s.setInt(2, i); s.addBatch(); }
        got.add(Arrays.stream(s.executeBatch()).sum());
        got.add(all(s.getGeneratedKeys()).size());
        s.setString(1, "b5"); s.setInt(2, 5); s.addBatch();
        got.add(fails(s::executeBatch));
      }
      db.rollback();
      db.setAutoCommit(true);
      got.add(one("select count(*) from notes"));
      return got;
    });
    run("COPY", () -> {
      CopyManager copy = ((PGConnection) db).getCopyAPI();
      List<Object> got = new ArrayList<>();
      got.add(copy.copyIn("copy notes (title, body) from stdin",
        new ByteArrayInputStream("x\t\\N\ny\tünï\n".getBytes(StandardCharsets.UTF_8))));
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      copy.copyOut("copy (select title, body from notes order by title) to stdout csv", out);
      got.add(out.toString(StandardCharsets.UTF_8));
      got.add(fails(() -> copy.copyIn("copy notes (title) from stdin", new ByteArrayInputStream("z\ttoo many\n".getBytes()))));
      got.add(rows(db, "delete from notes"));
      return got;
    });
    run("temporary table, advisory lock, LISTEN", () -> {
      execute("create temp table boom (id int, who int)");
      for (int i = 0; i < 10; i++) rows(db, "insert into boom values (?, ?)", i, instance);
      List<Object> got = new ArrayList<>(List.of(one("select sum(id) from boom where who = ?", instance)));
      execute("drop table boom");
      int key = 7000 + instance;
      got.add(List.of(one("select pg_try_advisory_lock(?)", key), rows(other, "select pg_try_advisory_xact_lock(?)", key),
        one("select pg_advisory_unlock(?)", key)));
      execute("listen room_" + instance);
      rows(other, "select pg_notify(?, ?), pg_notify(?, ?)", "room_" + instance, "one", "room_" + instance, "two");
      for (int heard = 0; heard < 2;) {
        PGNotification[] some = ((PGConnection) db).getNotifications(10000);
        check(some != null && some.length > 0, "a notification within 10 s");
        for (PGNotification n : some) { got.add(n.getParameter()); heard++; }
      }
      execute("unlisten *");
      return got;
    });
    run("cancel", () -> {
      String mark = "mark-" + schema;
      List<Object> got = new ArrayList<>();
      try (Statement s = db.createStatement()) {
        Thread helper = new Thread(() -> {
          try {
            String running = "select count(*) from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() and query like '%" + mark + "%'";
            for (long end = System.nanoTime() + 20_000_000_000L; rows(other,
              running).get(0).equals("0") && System.nanoTime() < end;) Thread.onSpinWait();
            s.cancel();
          } catch (SQLException e) {
            throw new IllegalStateException(e);
          }
        });
        helper.start();
        got.add(fails(() -> s.execute("select pg_sleep(30), '" + mark + "'")));
        helper.join();
      }
      got.add(one("select 5"));
      return got;
    });
    run("N+1, eager, big parameter", () -> {
      List<Object> got = new ArrayList<>();
      for (Object id : rows(db, "select id from users order by id limit 15"))
        got.add(rows(db, "select id, total from orders where user_id = ? order by id", Integer.valueOf(id.toString())));
      got.add(rows(db, "select user_id, count(*) from orders where user_id = any (?) group by 1 order by 1", db.createArrayOf("int",
        new Object[] {1, 2, 3})));
      String text = "0123456789-привет ".repeat(200000);
      got.add(one("select ?::text", text).equals(text));
      got.add(one("select md5(?)", text));
      return got;
    });
  }
}
