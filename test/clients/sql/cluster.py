"""The client matrix's PostgreSQL: the tests' own (support/postgres.py), with a password that drivers must quote.

Flow:  with cluster() as c:   # c.port, c.log(); c.sql(text, DATABASE) as the superuser
"""
import os
import sys
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
from support.postgres import Postgres  # noqa: E402

USER = "app"
PASSWORD = "s3cret, and ünï"  # of a loopback server that lives for seconds
DATABASE = "shop"
SETTINGS = """
shared_buffers = 32MB
autovacuum = off
jit = off
timezone = UTC
lc_messages = 'C'
log_min_messages = fatal
log_min_error_statement = panic
"""


def url(port):
    return f"postgres://{USER}:{urllib.parse.quote(PASSWORD)}@127.0.0.1:{port}/{DATABASE}"


class cluster(Postgres):
    def __init__(self):
        # CMake names a folder of the build, so that all clients' tests share one initdb.
        super().__init__(
            max_connections=40,
            settings=SETTINGS,
            users=f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'",
            template=os.environ.get("SQL_CLIENTS_CACHE"),
        )

    def __enter__(self):
        try:
            self.start()
            self.sql(f"CREATE DATABASE {DATABASE} OWNER {USER}")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()
