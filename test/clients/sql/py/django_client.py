"""Django: its connection set-up, ORM, prefetch, iterator() (a cursor WITH HOLD), atomic and savepoints, row locks."""
import threading

import django
from django.conf import settings
from lib import APPLICATION, INSTANCE, MANY_TYPES, MARK, OWN_TIMEOUT, RUNNING, SCHEMA, big_text, case, check, env, fails, until

database = {
    "ENGINE": "django.db.backends.postgresql", "NAME": env["PGDATABASE"], "USER": env["PGUSER"],
    "PASSWORD": env["PGPASSWORD"], "HOST": env["PGHOST"], "PORT": env["PGPORT"], "CONN_MAX_AGE": None,
    "OPTIONS": {"options": f"-c search_path={SCHEMA} -c statement_timeout={30000 + INSTANCE}", "application_name": APPLICATION},
}  # fmt: skip
settings.configure(
    DATABASES={"default": database, "other": database}, USE_TZ=True, TIME_ZONE="Europe/Berlin",
    DEFAULT_AUTO_FIELD="django.db.models.AutoField", INSTALLED_APPS=["django.contrib.postgres"],
)  # fmt: skip
django.setup()

from django.contrib.postgres.fields import ArrayField  # noqa: E402
from django.db import connection, connections, models, transaction  # noqa: E402
from django.db.models import Count, F, Prefetch, Sum  # noqa: E402


class shop_model(models.Model):
    class Meta:
        abstract = True
        app_label = "postgres"  # of an installed application, else relations have no way back


class User(shop_model):
    email = models.TextField(unique=True)
    name = models.TextField()
    active = models.BooleanField()

    class Meta(shop_model.Meta):
        db_table = "users"


class Order(shop_model):
    user = models.ForeignKey(User, models.CASCADE, related_name="orders")
    total = models.DecimalField(max_digits=10, decimal_places=2)
    placed_at = models.DateTimeField()

    class Meta(shop_model.Meta):
        db_table = "orders"


class Note(shop_model):
    title = models.TextField(unique=True)
    body = models.TextField(null=True)
    stars = models.IntegerField(null=True)
    data = models.BinaryField(null=True)
    labels = ArrayField(models.TextField(null=True), null=True)

    class Meta(shop_model.Meta):
        db_table = "notes"


def rows(sql, args=None, on=connection):
    with on.cursor() as cursor:
        cursor.execute(sql, args)
        return cursor.fetchall() if cursor.description else cursor.rowcount


def one(sql, args=None, on=connection):
    return rows(sql, args, on)[0][0]


@case("connect")
def _():
    check(one("show application_name") == APPLICATION, "application_name is ours")
    check(one("show statement_timeout") == f"{30000 + INSTANCE}ms", "statement_timeout is ours")
    with connection.cursor() as cursor:
        tables = sorted(t.name for t in connection.introspection.get_table_list(cursor))
        keys = connection.introspection.get_relations(cursor, "orders")
    return [one("show search_path"), one("show timezone"), connection.pg_version, tables, keys, rows(MANY_TYPES)]


@case("ORM: write, read, errors")
def _():
    notes = [Note(title=f"n{i}", stars=i, body="ünï 😀", data=b"\x00\xff", labels=["a", None]) for i in range(40)]
    got = [len(Note.objects.bulk_create(notes))]
    note = Note.objects.get(title="n3")
    note.stars = F("stars") + 50
    note.save()
    note.refresh_from_db()
    got.append([note.stars, note.body, note.data, note.labels])
    got.append(fails(Note.objects.create, title="n3"))
    got.append(fails(Note.objects.create, title="minus", stars=-1))
    got.append(Note.objects.filter(labels__contains=["a"], stars__gt=30).aggregate(Sum("stars"), Count("id")))
    got.append(Note.objects.get_or_create(title="n3")[1])
    got.append(Note.objects.update_or_create(title="n5", defaults={"stars": 1})[1])
    got.append(fails(User.objects.get, id=12345)["type"])
    got.append([fails(rows, "selec 1"), fails(rows, "select 1 / %s", [0]), one("select 1")])
    return [*got, Note.objects.all().delete()[0]]


@case("atomic and savepoints")
def _():
    got = []

    def make(title, savepoint=True):
        with transaction.atomic(savepoint=savepoint):
            Note.objects.create(title=title)

    with transaction.atomic():
        make("a")
        got.append(fails(make, "a"))
        make("b")
        locked = Note.objects.select_for_update(skip_locked=True).order_by("title")
        got.append([n.title for n in locked])
        got.append(Note.objects.using("other").count())
        transaction.on_commit(lambda: got.append("committed"))

    def doomed():
        with transaction.atomic():
            make("c")
            raise ValueError("no")

    got.append(fails(doomed)["type"])

    def broken():
        with transaction.atomic():
            fails(make, "a", savepoint=False)
            Note.objects.count()

    got.append(fails(broken)["type"])
    return [*got, Note.objects.count(), Note.objects.all().delete()[0]]


@case("iterator: a cursor WITH HOLD")
def _():
    got = []
    for order in Order.objects.order_by("id").iterator(chunk_size=30):
        # (The last one's user does not stand just before those of the list below: its loop has that list as its source.)
        if order.id % 60 == 0:
            got.append([order.id, one("select %s + 1", [order.id]), order.user.name])
    with transaction.atomic():
        got.append(sum(o.id for o in Order.objects.iterator(chunk_size=50)))
    both = zip(User.objects.order_by("id").iterator(10), User.objects.order_by("-id").iterator(10))
    got.append([(a.id, b.id) for a, b in both][:25:6])
    got.append([[o.total for o in user.orders.all()] for user in User.objects.order_by("-id").iterator(100)])
    return [*got, User.objects.count()]


@case("N+1, select_related, prefetch_related")
def _():
    got = [[[o.total for o in u.orders.order_by("id")] for u in User.objects.order_by("id")[:15]]]
    got.append([o.user.name for o in Order.objects.order_by("id")[:15]])
    got.append([o.user.name for o in Order.objects.select_related("user").order_by("id")[:15]])
    orders = Prefetch("orders", Order.objects.order_by("id"))
    got.append([[o.total for o in u.orders.all()] for u in User.objects.prefetch_related(orders).order_by("id")[:15]])
    annotated = User.objects.annotate(n=Count("orders"), t=Sum("orders__total")).filter(n__gt=0).order_by("-t", "id")
    return [*got, list(annotated.values_list("id", "n", "t")[:5]), Order.objects.order_by("id").first().placed_at]


@case("SET and time zones")
def _():
    rows(f"set statement_timeout = {OWN_TIMEOUT}")
    rows("set time zone 'Asia/Tokyo'")
    for _ in range(20):
        check(one("show statement_timeout") == f"{OWN_TIMEOUT}ms", "SET stays with its client")
    got = [one("select '2024-01-01 00:00+00'::timestamptz::text"), one("show timezone", on=connections["other"])]
    with transaction.atomic():
        rows("set local time zone 'America/New_York'")
        got.append(one("show timezone"))
    got.append(one("show timezone"))
    rows("reset statement_timeout")
    check(one("show statement_timeout") == f"{30000 + INSTANCE}ms", "RESET gives the start-up value")
    connection.close()
    return [*got, one("show timezone")]


@case("migration: DDL in a transaction")
def _():
    with connection.schema_editor() as editor:
        field = models.IntegerField(default=5)
        field.set_attributes_from_name("extra")
        editor.add_field(Note, field)
        got = [rows("select count(extra) from notes")]
        editor.remove_field(Note, field)
    return [*got, fails(rows, "select extra from notes"), Note.objects.count()]


@case("advisory lock, temporary table, COPY")
def _():
    key, other = 7000 + INSTANCE, connections["other"]
    got = [one("select pg_try_advisory_lock(%s)", [key]), one("select pg_try_advisory_xact_lock(%s)", [key], on=other),
           one("select pg_advisory_unlock(%s)", [key])]  # fmt: skip
    rows("create temporary table boom (id int, who int)")
    with connection.cursor() as cursor:
        cursor.executemany("insert into boom values (%s, %s)", [(i, INSTANCE) for i in range(30)])
    got += [rows("select count(*), sum(id) from boom where who = %s", [INSTANCE]), rows("drop table boom")]
    import io

    with connection.cursor() as cursor:
        cursor.copy_expert("copy notes (title) from stdin", io.StringIO("x\ny\n"))
    return [*got, sorted(Note.objects.values_list("title", flat=True)), Note.objects.all().delete()[0]]


@case("cancel")
def _():
    raw = connection.connection

    def when_running():
        until(lambda: one(RUNNING, on=connections["other"]) > 0)
        raw.cancel()
        connections["other"].close()

    connections["other"].inc_thread_sharing()
    connections["other"].close()
    helper = threading.Thread(target=when_running)
    helper.start()
    got = fails(rows, f"select pg_sleep(30), '{MARK}'")
    helper.join()
    return [got, one("select 5")]


@case("big parameter, many rows")
def _():
    text = big_text()
    back, digest = rows("select %s, md5(%s)", [text, text])[0]
    return [back == text, digest, len(rows("select i, repeat('x', 20) from generate_series(1, 100000) i"))]


@case("end")
def _():
    connections.close_all()
    return one("select 1")
