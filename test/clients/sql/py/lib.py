"""What every Python client of the matrix shares: where the server is, and how observed values are printed.

Flow: `@case("name")` above a function of no arguments runs it at once and prints its value as one JSON line. A case that
raises ends the program; an error that is wanted is taken with `fails(function, ...)`, which makes it a value.
"""
import datetime
import decimal
import ipaddress
import json
import os
import random
import string
import sys
import time
import traceback
import uuid

env = os.environ
SCHEMA = env["SCHEMA"]
INSTANCE = int(env["INSTANCE"])
APPLICATION = "matrix-" + SCHEMA
MARK = "mark-" + SCHEMA
OWN_TIMEOUT = 5000 + INSTANCE  # differs from one instance to the next and is never shown in whole seconds

MANY_TYPES = r"""select 1::int2 a, 2::int4 b, 9007199254740993::int8 c, 1.5::float4 d, 'NaN'::float8 e,
  123456.789::numeric f, true g, null::text h, 'ünï 😀'::text i, '\x00ff10'::bytea j, '{1,null,3}'::int[] k,
  '{"a b",NULL,"c\"d"}'::text[] l, '{"x": [1, 2]}'::jsonb m, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid n,
  timestamptz '2024-02-29 12:34:56.789+02' o, date '2024-02-29' p, interval '1 day 02:03:04' q"""


def plain(value):
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "bytes:" + bytes(value).hex()
    if isinstance(value, float) and value != value:
        return "number:NaN"
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)) or type(value).__name__ in ("Row", "LegacyRow"):
        return [plain(v) for v in value]
    if isinstance(value, (decimal.Decimal, datetime.date, datetime.timedelta, uuid.UUID, ipaddress.IPv4Network)):
        return f"{type(value).__name__}:{value}"
    raise TypeError(f"no transcript form for {type(value)}: {value!r}")


def case(name):
    def run(body):
        try:
            line = json.dumps({"case": name, "got": plain(body())}, ensure_ascii=False)
        except Exception:
            traceback.print_exc()
            sys.exit(f"case '{name}' failed")
        print(line, flush=True)
        return body

    return run


def check(condition, what):
    if not condition:
        raise AssertionError("does not hold: " + what)


def failure(error):
    """An error as PostgreSQL sent it, whichever wrapper it comes in."""
    inner = getattr(error, "orig", None) or error.__cause__ or error
    diag = getattr(inner, "diag", None)
    names = ("severity", "sqlstate", "message_primary", "message_detail", "message_hint", "statement_position",
             "constraint_name", "table_name", "column_name")  # fmt: skip
    fields = {n: getattr(diag, n) for n in names if getattr(diag, n, None) is not None}
    return {"type": type(error).__name__, "inner": type(inner).__name__, **(fields or {"message": str(inner)})}


def fails(function, *args, **kwargs):
    try:
        value = function(*args, **kwargs)
    except Exception as error:
        return failure(error)
    raise AssertionError(f"an error was expected, got {value!r}")


def new_shape(read, holds):
    """After ALTER TABLE a prepared statement fails as PostgreSQL's own does, or has the new columns; the old are wrong."""
    try:
        value = read()
    except Exception as error:
        check(failure(error).get("sqlstate") == "0A000", f"0A000 is raised: {failure(error)}")
        return
    check(holds(value), f"the new columns: {value!r}")


def until(condition):
    end = time.monotonic() + 20
    while not condition():
        check(time.monotonic() < end, "within 20 s")
        time.sleep(0.01)


RUNNING = f"select count(*) from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() and query like '%{MARK}%'"


def big_text():
    """About 5 MB that no compression guesses, the same in every run."""
    source = random.Random(12345)
    words = ["".join(source.choices(string.ascii_letters, k=9)) + " привет" for _ in range(1000)]
    return "\n".join(source.choices(words, k=230000))
