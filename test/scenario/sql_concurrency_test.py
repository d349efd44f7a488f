"""How many transactions of a pool run at once, of the servers that there are."""
import os
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.sql_case import SqlCase, in_thread, start_postgres, stop_postgres
from support.wait import wait_until

setUpModule = start_postgres
tearDownModule = stop_postgres


class Concurrency(SqlCase):
    def pools(self):
        status, answer = self.fairing.call("GET", "/v1/pools")
        self.assertEqual(status, 200)
        return answer["items"][0]

    def test_short_ones_take_turns(self):
        self.start(pool={"size": 4, "min_idle": 4, "concurrency": 1})
        clients = [self.client() for _ in range(8)]
        seen = []
        over = threading.Event()

        def look():
            while not over.is_set():
                seen.append(self.pools())

        def work(c, i):
            return [c.query(f"SELECT '{i}-{n}'") == [[f"{i}-{n}"]] for n in range(200)]

        looker = threading.Thread(target=look)
        looker.start()
        workers = [in_thread(work, c, i) for i, c in enumerate(clients)]
        for w in workers:
            w.join(60)
        over.set()
        looker.join(10)
        self.assertEqual([w.result for w in workers], [[True] * 200] * 8)
        self.assertEqual({p["concurrency"] for p in seen}, {1})
        self.assertLessEqual(max(p["servers"]["running"] for p in seen), 1)
        self.assertGreater(self.pools()["wait"]["waited"], 0)

    def test_long_ones_keep_nobody_back(self):
        self.start(pool={"size": 4, "concurrency": 1})
        clients = [self.client() for _ in range(5)]
        clients[0].query("BEGIN")
        sleepers = [in_thread(c.query, "SELECT pg_sleep(60)") for c in clients[1:4]]
        wait_until(lambda: self.pg.sql("SELECT count(*) FROM pg_stat_activity WHERE query ~ '^SELECT pg_sleep'") == "3")
        wait_until(lambda: self.pools()["servers"]["leased"] == 4)
        waiting = in_thread(clients[4].query, "SELECT 5")  # four servers are all
        self.waiting(1)
        clients[0].query("COMMIT")
        waiting.join(10)
        self.assertEqual(waiting.result, [["5"]])
        for c in clients[1:4]:
            c.cancel()
        for s in sleepers:
            s.join(10)
            self.assertEqual(s.error.code, "57014")

    def test_auto_begins_with_the_size_and_a_reload_changes_it(self):
        self.start(pool={"size": 4})
        self.assertEqual(self.client().query("SELECT 1"), [["1"]])
        wait_until(lambda: self.pools()["concurrency"] == 4)
        wait_until(lambda: self.fairing.metric("fairing_pool_concurrency", plane="sql") == 4)
        section = {"listen": "127.0.0.1:0", "upstream": self.pg.url(), "advise": False}
        self.fairing.write_config({"sql": {**section, "pool": {"size": 4, "concurrency": 2}}})
        status, answer = self.fairing.reload()
        self.assertEqual(status, 200, answer)
        wait_until(lambda: self.pools()["concurrency"] == 2)


if __name__ == "__main__":
    unittest.main()
