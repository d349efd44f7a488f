"""SQLAlchemy on psycopg2: engine and pool, core, ORM with lazy and eager loading, savepoints, streaming, LISTEN."""
import threading

import sqlalchemy as sa
from lib import APPLICATION, INSTANCE, MARK, OWN_TIMEOUT, RUNNING, SCHEMA, big_text, case, check, fails, until
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Session, declarative_base, joinedload, relationship, selectinload, subqueryload

options = f"-c search_path={SCHEMA} -c statement_timeout={30000 + INSTANCE}"
arguments = {"application_name": APPLICATION, "options": options}
engine = sa.create_engine("postgresql+psycopg2://", pool_size=2, max_overflow=1, pool_pre_ping=True, connect_args=arguments, future=True)
Base = declarative_base()


class User(Base):
    __tablename__ = "users"
    id = sa.Column(sa.Integer, primary_key=True)
    email = sa.Column(sa.Text)
    name = sa.Column(sa.Text)
    active = sa.Column(sa.Boolean)
    orders = relationship("Order", order_by="Order.id", back_populates="user")


class Order(Base):
    __tablename__ = "orders"
    id = sa.Column(sa.Integer, primary_key=True)
    user_id = sa.Column(sa.ForeignKey("users.id"))
    total = sa.Column(sa.Numeric(10, 2))
    placed_at = sa.Column(sa.DateTime(timezone=True))
    user = relationship("User", back_populates="orders")


class Note(Base):
    __tablename__ = "notes"
    id = sa.Column(sa.Integer, primary_key=True)
    title = sa.Column(sa.Text, nullable=False)
    body = sa.Column(sa.Text)
    stars = sa.Column(sa.Integer)
    data = sa.Column(sa.LargeBinary)
    labels = sa.Column(ARRAY(sa.Text))


def rows(sql, **args):
    with engine.begin() as connection:
        return [list(r) for r in connection.execute(sa.text(sql), args)]


def one(sql, **args):
    return rows(sql, **args)[0][0]


def execute(statement):
    with engine.begin() as connection:
        return connection.execute(statement).rowcount


@case("connect")
def _():
    check(one("show application_name") == APPLICATION, "application_name is ours")
    check(one("show statement_timeout") == f"{30000 + INSTANCE}ms", "statement_timeout is ours")
    found = sa.inspect(engine)
    return [one("show search_path"), list(engine.dialect.server_version_info), sorted(found.get_table_names(schema=SCHEMA)),
            found.get_foreign_keys("orders"), [(c["name"], str(c["type"])) for c in found.get_columns("notes")]]  # fmt: skip


@case("ORM: write, read, errors")
def _():
    got = []
    with Session(engine) as session:
        session.add_all([Note(title=f"n{i}", stars=i, body="ünï 😀", data=b"\x00\xff", labels=["a", 'b"', None]) for i in range(30)])
        session.commit()
        note = session.execute(sa.select(Note).where(Note.title == "n3")).scalar_one()
        note.stars = 99
        session.flush()
        got.append([note.body, note.data, note.labels, session.execute(sa.select(sa.func.sum(Note.stars))).scalar()])
        nested = session.begin_nested()
        session.add(Note(title="n4"))
        got.append(fails(session.flush))
        nested.rollback()
        got.append(session.execute(sa.select(sa.func.count(Note.id))).scalar())
        session.rollback()
        got.append(session.get(Note, note.id).stars)
        session.add(Note(title="minus", stars=-1))
        got.append(fails(session.commit))
        got.append(fails(session.execute, sa.select(Note)))
        session.rollback()
        got.append(session.execute(sa.delete(Note)).rowcount)
        session.commit()
    statement = insert(Note.__table__).values(title="up", stars=1)
    for _ in range(2):
        execute(statement.on_conflict_do_update(index_elements=["title"], set_={"stars": Note.__table__.c.stars + 1}))
    return [*got, rows("select title, stars from notes"), rows("delete from notes returning stars")]


@case("errors")
def _():
    return [fails(rows, "selec 1"), fails(rows, "select * from no_such_table"), fails(rows, "select 1 / :n", n=0), one("select 1")]


@case("isolation and savepoints")
def _():
    got = []
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        with connection.begin():
            got.append(connection.execute(sa.text("show transaction_isolation")).scalar())
            for outcome in ("commit", "rollback"):
                savepoint = connection.begin_nested()
                connection.execute(sa.insert(Note).values(title=outcome))
                getattr(savepoint, outcome)()
            got.append([r[0] for r in connection.execute(sa.select(Note.title))])
            connection.execute(sa.delete(Note))
    with engine.connect().execution_options(isolation_level="SERIALIZABLE", postgresql_readonly=True) as connection:
        got.append(connection.execute(sa.text("show transaction_read_only")).scalar())
    return [*got, one("show transaction_isolation"), one("show transaction_read_only")]


@case("SET, SET LOCAL, RESET")
def _():
    got = []
    with engine.connect() as connection:

        def value(sql):
            return connection.execute(sa.text(sql)).scalar()

        connection.execute(sa.text(f"set statement_timeout = {OWN_TIMEOUT}"))
        connection.execute(sa.text("set time zone 'Asia/Tokyo'"))
        connection.commit()
        for _ in range(10):
            check(value("show statement_timeout") == f"{OWN_TIMEOUT}ms", "SET stays with its client")
            connection.commit()
        connection.execute(sa.text("set local time zone 'Europe/Riga'"))
        got += [value("show timezone"), value("select timestamptz '2024-01-01 00:00+00'")]
        connection.commit()
        got.append(value("show timezone"))
        connection.execute(sa.text("set time zone 'Europe/Oslo'"))
        connection.rollback()
        got.append(value("show timezone"))
        connection.execute(sa.text("reset all"))
        connection.commit()
        check(value("show statement_timeout") == f"{30000 + INSTANCE}ms", "RESET gives the start-up value")
        return [*got, value("show timezone")]


@case("N+1, select-in, joined, subquery")
def _():
    with Session(engine) as session:
        users = session.execute(sa.select(User).order_by(User.id).limit(15)).scalars().all()
        got = [[[o.total for o in u.orders] for u in users]]
        session.expire_all()
        orders = session.execute(sa.select(Order).order_by(Order.id).limit(15)).scalars().all()
        got.append([o.user.name for o in orders])
        for eager in (selectinload, joinedload, subqueryload):
            session.expunge_all()
            users = session.execute(sa.select(User).options(eager(User.orders)).order_by(User.id).limit(5)).unique().scalars().all()
            got.append([[o.total for o in u.orders] for u in users])
        return got


@case("streams")
def _():
    with engine.connect().execution_options(stream_results=True, max_row_buffer=2000) as connection:
        result = connection.execute(sa.text("select i, repeat('x', 20) from generate_series(1, 100000) i"))
        got = [sum(i + len(t) for i, t in result)]
    with Session(engine) as session:
        query = session.execute(sa.select(Order).order_by(Order.id).execution_options(yield_per=30)).scalars()
        return [*got, sum(o.id for o in query)]


@case("temporary table, advisory lock")
def _():
    key = 7000 + INSTANCE
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        boom = sa.Table("boom", sa.MetaData(), sa.Column("id", sa.Integer), sa.Column("who", sa.Integer), prefixes=["TEMPORARY"])
        boom.create(connection)
        connection.execute(boom.insert(), [{"id": i, "who": INSTANCE} for i in range(50)])
        got = [connection.execute(sa.select(sa.func.sum(boom.c.id)).where(boom.c.who == INSTANCE)).scalar()]
        boom.drop(connection)
        for sql in ("select pg_advisory_lock(:k)", "select pg_advisory_unlock(:k)"):
            got.append(connection.execute(sa.text(sql), {"k": key}).scalar() in ("", True))
            got.append(one("select pg_try_advisory_xact_lock(:k)", k=key))
        return got


@case("LISTEN and NOTIFY")
def _():
    raw = engine.raw_connection()
    raw.set_session(autocommit=True)
    raw.cursor().execute(f"listen room_{INSTANCE}")
    rows("select pg_notify(:c, 'one'), pg_notify(:c, 'two')", c=f"room_{INSTANCE}")

    def heard():
        raw.connection.poll()
        return len(raw.connection.notifies) >= 2

    until(heard)
    raw.cursor().execute("unlisten *")
    got = [n.payload for n in raw.connection.notifies]
    raw.close()
    return got


@case("cancel")
def _():
    raw = engine.raw_connection()

    def when_running():
        until(lambda: one(RUNNING) > 0)
        raw.connection.cancel()

    helper = threading.Thread(target=when_running)
    helper.start()
    cursor = raw.cursor()
    got = fails(cursor.execute, f"select pg_sleep(30), '{MARK}'")
    helper.join()
    raw.rollback()
    cursor.execute("select 5")
    got = [got, cursor.fetchone()]
    raw.close()
    return got


@case("big parameter")
def _():
    text = big_text()
    back, digest = rows("select :t, md5(:t)", t=text)[0]
    return [back == text, digest]


@case("two-phase transaction is refused alike")
def _():
    with engine.connect() as connection:
        transaction = connection.begin_twophase("tx" + SCHEMA)
        connection.execute(sa.text("select 1"))
        got = fails(transaction.prepare)
        connection.invalidate()
    return [got["type"], got.get("sqlstate"), one("select 1")]


@case("end")
def _():
    engine.dispose()
    return one("select 1")
