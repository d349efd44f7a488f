"""What /v1/n_plus_one says after a client of the matrix: each of its loops, with the cure, and nothing else.

All cases of a client have passed through the Fairing that is asked: the eager forms, batches, pages, bulk writes, catalogue
queries and look-ups among them must not be reported.
"""
import json
import re

ORDERS = "select id, total from orders where user_id = $1 order by id"
USERS = "select id from users order by id limit $1"
FRAMEWORKS = {"prisma", "typeorm", "sequelize", "drizzle", "django", "sqlalchemy", "laravel", "spring"}


class loop:
    """A loop that a client makes: its statement, the one whose rows it runs over and their column; how long it is and how
    often each instance makes it; the framework whose eager form comes first, with its code."""

    def __init__(self, template, source, column="id", length=15, times=1, eager=None):
        self.key = (template, source, column)
        self.length, self.times, self.eager = length, times, eager

    def complaints(self, item, instances):
        wanted = self.length * self.times * instances
        if item["count"] < wanted or item["longest"] < self.length or item["loops"] < self.times * instances:
            yield f"{item['loops']} loops, {item['count']} executions, the longest {item['longest']}; {wanted} were made"
        if item["round_trips"] != item["count"] - item["loops"]:
            yield f"{item['round_trips']} round trips lost of {item['count']} in {item['loops']} loops"
        if not item["lost_ms"] > 0 or not 0 < item["saved_ms"] < item["lost_ms"]:
            yield f"{item['lost_ms']} ms lost, {item['saved_ms']} saved"
        if not item["batched_sql"]:
            yield "no batched SQL"
        if not FRAMEWORKS <= set(item["eager"]) or not all(item["eager"].values()):
            yield f"eager forms only for {', '.join(item['eager'])}"
        if self.eager and next(iter(item["eager"].items())) != self.eager:
            yield f"the first eager form is {next(iter(item['eager'].items()))}, not {self.eager}"


def reported(fairing):
    """The loops by (template, source, column). An instance's schema (schemas of run.py) is "shop" as in the transcripts; what
    differs in it alone is one loop, added up."""
    status, answer = fairing.call("GET", "/v1/n_plus_one?limit=1000", token=False)
    assert status == 200, answer
    found = {}
    for item in answer["items"]:
        key = tuple(re.sub(r'"shop_\d"', '"shop"', t) for t in (item["template"], item["source"]["template"], item["source"]["column"]))
        found[key] = added(found[key], item) if key in found else item
    return found


def added(a, b):
    sums = {n: a[n] + b[n] for n in ("count", "loops", "round_trips", "lost_ms", "saved_ms")}
    return {**a, **sums, "longest": max(a["longest"], b["longest"])}


def check(name, wanted, fairing, instances, prepares):
    """Complaints about what Fairing says of a client's loops; `prepares(sql)` is None if PostgreSQL takes the statement."""
    found = reported(fairing)
    for w in wanted:
        item = found.pop(w.key, None)
        if item is None:
            yield f"{name}: its loop is not reported: {w.key}"
            continue
        for complaint in w.complaints(item, instances):
            yield f"{name}: {w.key}: {complaint}"
        refused = prepares(item["batched_sql"])
        if refused:
            yield f"{name}: {w.key}: PostgreSQL refuses {item['batched_sql']}: {refused}"
    for item in found.values():
        yield f"{name}: reported, and no loop of it: {json.dumps(item, indent=1)}"
