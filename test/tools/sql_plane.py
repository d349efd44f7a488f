"""What the scenarios of the sql plane's faults share: a Fairing before a PostgreSQL, and a look at its pool.

Flow:
    f = sql_fairing(test, pg.url("alice"), pool={"size": 4}, limits={"client_write": "1s"})
    address(f); leased(f); settled(f); Bystander(f, "b").check()
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.fairing import Fairing, split_address
from support.pgclient import PgClient
from support.wait import wait_until


def sql_fairing(test, upstream, pool=None, limits=None, threads=2, **more):
    plane = {"listen": "127.0.0.1:0", "upstream": upstream, "pool": {"mode": "transaction", **(pool or {})}}
    if limits:
        plane["limits"] = limits
    return Fairing(test, {"sql": plane}, threads=threads, **more)


def address(fairing):
    return split_address(fairing.listeners["sql"][0])


def gauge(fairing, name):
    """A gauge of the sql pools; AssertionError if there is none of that name, since 0 would hide that."""
    found = [v for (n, labels), v in fairing.metrics().items() if n == name and ("plane", "sql") in labels]
    assert found, f"no {name} of the sql plane in /metrics"
    return sum(found)


def leased(fairing):
    return gauge(fairing, "fairing_pool_leased")


def settled(fairing, timeout=15):
    """Nobody has a server and nobody waits for one."""
    wait_until(
        lambda: leased(fairing) == 0 and gauge(fairing, "fairing_pool_waiting") == 0,
        timeout,
        "all servers to be given back",
    )


class Bystander:
    """A client that has nothing to do with it all: whatever others do, its own answers are right."""

    def __init__(self, fairing, name, user="alice", database="app"):
        self.client = PgClient(address(fairing), user=user, database=database)
        self.name, self.asked = name, 0

    def check(self, test):
        self.asked += 1
        tag = f"~{self.name}-{self.asked}~"
        test.assertEqual(self.client.query(f"SELECT '{tag}', {self.asked}"), [[tag, str(self.asked)]])
        tag += "x"
        test.assertEqual(self.client.extended("SELECT $1::text, $2::text", [tag, self.asked]), [[tag, str(self.asked)]])

    def close(self):
        self.client.close()
