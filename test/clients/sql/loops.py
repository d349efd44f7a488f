"""What /v1/n_plus_one says after a client of the matrix: each of its loops, with the cure, and nothing else.

All cases of a client have passed through the Fairing that is asked: the eager forms, batches, pages, bulk writes, catalogue
queries and look-ups among them must not be reported.
"""
import json

ORDERS = "select id, total from orders where user_id = $1 order by id"
USERS = "select id from users order by id limit $1"
FRAMEWORKS = {"prisma", "typeorm", "sequelize", "django", "sqlalchemy", "laravel", "spring"}

# Sequelize's case of 20 look-ups at once counts through the ids 1 to 20, which stood in a list just before: now and then
# they run down it on one connection just as a loop would. The detector cannot tell the two apart.
BY_CHANCE = {'select "id", "email", "name", "active" from "users" as "user" where "user"."id" = $1'}


class loop:
    """A loop that a client makes: its statement, the one whose rows it runs over (None: any) and their column; how long it is and how
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
    status, answer = fairing.call("GET", "/v1/n_plus_one?limit=1000", token=False)
    assert status == 200, answer
    return {(i["template"], i["source"]["template"], i["source"]["column"]): i for i in answer["items"]}


def taken(found, key):
    """Takes the item out of those found; where any source will do, all of them, added up."""
    template, source, column = key
    if source is not None:
        return found.pop(key, None)
    items = [found.pop(k) for k in list(found) if (k[0], k[2]) == (template, column)]
    if not items:
        return None
    added = {n: sum(i[n] for i in items) for n in ("count", "loops", "round_trips", "lost_ms", "saved_ms")}
    return {**items[0], **added, "longest": max(i["longest"] for i in items)}


def check(name, wanted, fairing, instances, prepares):
    """Complaints about what Fairing says of a client's loops; `prepares(sql)` is None if PostgreSQL takes the statement."""
    found = reported(fairing)
    for w in wanted:
        item = taken(found, w.key)
        if item is None:
            yield f"{name}: its loop is not reported: {w.key}"
            continue
        for complaint in w.complaints(item, instances):
            yield f"{name}: {w.key}: {complaint}"
        refused = prepares(item["batched_sql"])
        if refused:
            yield f"{name}: {w.key}: PostgreSQL refuses {item['batched_sql']}: {refused}"
    for item in found.values():
        if item["template"] in BY_CHANCE:
            continue
        yield f"{name}: reported, and no loop of it: {json.dumps(item, indent=1)}"
