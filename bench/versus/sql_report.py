"""The page of the sql benchmark: tables of medians, and the goals the project set itself.

Flow: result = {"rows": {row: {server: [samples]}}, "threads": {"1": [...], "2": [...]}, "idle": {server: sample}};
markdown(result, ...) gives the page, goals(result) the verdicts.
"""
import datetime
import math
import statistics

import harness
import sql_servers
from report import machine, problems
from sql_rows import ROWS

IDLE_LIMIT = 60_000_000
THREADS_WITHIN = 1.10

# rows, what is compared, Fairing / PgBouncer (or the other way round where less is better) must be at least / at most
RATIOS = (
    (("fake-simple", "fake-extended", "real-simple", "real-extended"), "tps", "throughput", "least", 1.05),
    (("fake-simple", "fake-extended", "real-simple", "real-extended"), "cpu_us", "CPU per query", "most", 0.95),
    (("real-simple", "real-extended"), "p99_us", "p99", "most", 0.6),
)
PREPARED_LEAST = 1.5


def median(samples, field):
    return statistics.median(sample[field] for sample in samples)


def of(result, row, server, field):
    """The median; None if it was not measured."""
    samples = result["rows"].get(row, {}).get(server)
    return median(samples, field) if samples else None


def middle_half(result, row, field):
    """Of the rounds' own ratios, Fairing / PgBouncer."""
    mine, peer = (result["rows"][row][name] for name in ("fairing", "pgbouncer"))
    rounds = [one[field] / max(other[field], 1e-9) for one, other in zip(mine, peer)]
    if len(rounds) < 4:
        return ""
    low, _, high = statistics.quantiles(rounds, n=4)
    return f" (half of the rounds: {low:.2f} to {high:.2f})"


def added(result, server):
    """Microseconds a server adds to one client's median latency."""
    through, direct = of(result, "latency", server, "p50_us"), of(result, "latency", "direct", "p50_us")
    return None if through is None or direct is None else through - direct


def apart_from_peer(result):
    """One client's median latency through Fairing minus that through PgBouncer in the same round: the median of the rounds,
    and between what it lies with 95 % (order statistics: half of all rounds are below it)."""
    mine, peer = (result["rows"].get("latency", {}).get(name) for name in ("fairing", "pgbouncer"))
    if not mine or not peer:
        return None
    rounds = sorted(one["p50_us"] - other["p50_us"] for one, other in zip(mine, peer))
    below, at = 0.0, 0
    while at < len(rounds) // 2 and (below := below + math.comb(len(rounds), at) / 2 ** len(rounds)) <= 0.025:
        at += 1
    first = max(at - 1, 0)
    return statistics.median(rounds), rounds[first], rounds[-1 - first]


def goals(result):
    """(text, measured, reached) of each goal whose rows and servers were measured."""
    found = []
    for rows, field, what, bound, limit in RATIOS:
        for row in rows:
            mine, peer = of(result, row, "fairing", field), of(result, row, "pgbouncer", field)
            if mine is None or peer is None:
                continue
            ratio = mine / max(peer, 1e-9)
            spread = middle_half(result, row, field) if ROWS[row].scattered else ""
            found.append((f"{where(row)}: {what} at {bound} {limit:g}× PgBouncer's", f"{ratio:.2f}×{spread}",
                          ratio >= limit if bound == "least" else ratio <= limit))
    mine, peer = of(result, "real-prepared", "fairing", "tps"), of(result, "real-extended", "pgbouncer", "tps")
    if mine is not None and peer is not None:
        found.append((f"prepared statements: throughput at least {PREPARED_LEAST:g}× PgBouncer's extended unnamed",
                      f"{mine / peer:.2f}×", mine / peer >= PREPARED_LEAST))
    if apart := apart_from_peer(result):
        middle, low, high = apart
        found.append(("one client: added latency no more than PgBouncer's",
                      f"{middle:+.0f} µs in the median round (95 %: {low:+.0f} to {high:+.0f})", middle <= 0))
    if len(result["threads"]) == 2:
        one, two = (median(result["threads"][n], "cpu_us") for n in ("1", "2"))
        void = any(sample["problems"] for sample in result["threads"]["2"])
        found.append(("two threads, two pools: CPU per query within 10 % of one thread's", f"{two / one:.2f}×",
                      two / one <= THREADS_WITHIN and not void))
    if idle := result["idle"].get("fairing"):
        found.append((f"{idle['clients']:,} idle clients under {IDLE_LIMIT / 1e6:.0f} MB", f"{idle['bytes'] / 1e6:.1f} MB",
                      idle["bytes"] < IDLE_LIMIT and idle["closed"] == 0))
    return found


def where(row):
    return f"{ROWS[row].title} ({ROWS[row].backend} backend)"


def load_table(rows, names, servers):
    lines = ["| | through | queries/s | Fairing ÷ it | CPU µs/query | p50 µs | p99 µs | core busy |",
             "|---|---|--:|--:|--:|--:|--:|--:|"]
    notes = []
    for name in names:
        mine = rows[name].get("fairing")
        for server in servers:
            samples = rows[name].get(server)
            if not samples:
                continue
            wrong = problems(samples)
            notes += [f"- {ROWS[name].title}, {server}: {problem}." for problem in wrong]
            ratio = f"{median(mine, 'tps') / max(median(samples, 'tps'), 1e-9):.2f}×" if mine else "–"
            # Of `direct` the processes are the backend's, which every other line has too and does not count.
            clocks = "cpu_us" in samples[0] and server != "direct"
            cpu = f"{median(samples, 'cpu_us'):.2f}" if clocks else "–"
            busy = f"{median(samples, 'busy'):.0%}" if clocks else "–"
            lines.append(f"| {ROWS[name].title} | {server}{' (!)' if wrong else ''} | {median(samples, 'tps'):,.0f} | "
                         f"{ratio} | {cpu} | {median(samples, 'p50_us'):,.0f} | {median(samples, 'p99_us'):,.0f} | {busy} |")
    return lines + ([""] + notes if notes else [])


def latency_table(result, servers):
    lines = ["", "## One client, real PostgreSQL, SELECT 1", "",
             "Each sample is of poolers that were just started, since one and the same differs by some percent from start to "
             "start: in which pages it and its PostgreSQL sessions come to lie.", "",
             "| through | p50 µs | its middle half | added µs | p99 µs | CPU µs/query |", "|---|--:|--:|--:|--:|--:|"]
    for server in servers:
        if (p50 := of(result, "latency", server, "p50_us")) is None:
            continue
        samples = result["rows"]["latency"][server]
        low, _, high = statistics.quantiles([sample["p50_us"] for sample in samples], n=4) if len(samples) > 1 else (p50,) * 3
        more, cpu = "–", "–"
        if server != "direct":
            cpu = f"{of(result, 'latency', server, 'cpu_us'):.0f}"
            more = more if added(result, server) is None else f"{added(result, server):.0f}"
        lines.append(f"| {server} | {p50:.0f} | {low:.0f} to {high:.0f} | {more} | "
                     f"{of(result, 'latency', server, 'p99_us'):.0f} | {cpu} |")
    return lines


def threads_table(threads):
    lines = ["", "## Two databases, two pools of Fairing", "",
             "Pooler, load and backend on all cores: with one core, a second thread could only wait for the first.", "",
             "| threads | queries/s | CPU µs/query | p99 µs | work of the busier thread |", "|---|--:|--:|--:|--:|"]
    for count, samples in threads.items():
        lines.append(f"| {count} | {median(samples, 'tps'):,.0f} | {median(samples, 'cpu_us'):.2f} | "
                     f"{median(samples, 'p99_us'):,.0f} | {median(samples, 'busiest_thread'):.0%} |")
    return lines + [f"\n- {problem}." for problem in sorted({p for s in threads.values() for p in problems(s)})]


def idle_table(idle):
    lines = ["", "## Idle clients", "",
             "Logged in, one query each, then nothing. Resident memory (VmRSS) of the pooler.", "",
             "| pooler | clients | MB before | MB | bytes each | lost |", "|---|--:|--:|--:|--:|--:|"]
    return lines + [f"| {name} | {one['clients']:,} | {one['before'] / 1e6:.1f} | {one['bytes'] / 1e6:.1f} | "
                    f"{one['each']:,.0f} | {one['closed']} |" for name, one in idle.items()]


def markdown(result, servers, versions, rounds, seconds, scattered):
    names = list(result["rows"])
    fake = [name for name in names if name.startswith("fake")]
    real = [name for name in names if name.startswith("real")]
    pgbench = [name for name in names if name.startswith("pgbench")]
    lines = [
        "# SQL: Fairing beside PgBouncer", "",
        "Written by `./dev bench sql`; do not edit. Same work, same run: transaction pooling, 32 clients over a pool of "
        f"{sql_servers.POOL} unless said otherwise, the pooler alone on core {harness.SERVER_CORE}, load and backend on core "
        f"{harness.LOAD_CORE}, 127.0.0.1, in turn in each of {rounds} rounds of {seconds:g} s, "
        f"{rounds * scattered} where a goal is about p99 or two threads, medians. CPU is user and "
        "system time of the pooler's whole process tree over the queries of the run, logins excluded. Clients and "
        "poolers log in by SCRAM-SHA-256, without TLS. Fairing's templates and N+1 detection are on, as by default. "
        "PgBouncer's settings, and why they are its best: `bench/versus/peers/pgbouncer.ini`. Compare within one table "
        "only.", "",
        f"- Machine: {machine()}; {datetime.date.today().isoformat()}",
        "- Versions: " + ", ".join(f"{name} {version}" for name, version in versions.items() if version),
    ]
    if fake:
        lines += ["", "## A backend that answers at once", "",
                  "A fake PostgreSQL sends a prebuilt row, so that the pooler is what is measured. PgBouncer 1.18 has no "
                  "prepared statements in transaction mode.", "", *load_table(result["rows"], fake, servers)]
    if real:
        lines += ["", "## PostgreSQL", "",
                  f"pgbench's tables at scale {sql_servers.SCALE} on tmpfs, one random row by primary key. "
                  "`direct` is 32 connections without a pooler.", "", *load_table(result["rows"], real, servers)]
    if "latency" in names:
        lines += latency_table(result, servers)
    if pgbench:
        lines += ["", "## PostgreSQL, pgbench as the load", "", "pgbench costs more CPU than a pooler and so is what it "
                  "measures; for comparison with figures from elsewhere.", "", *load_table(result["rows"], pgbench, servers)]
    if result["threads"]:
        lines += threads_table(result["threads"])
    if result["idle"]:
        lines += idle_table(result["idle"])
    foreign = max((median(samples, "foreign") for name in fake + real for server, samples in result["rows"][name].items()
                   if server != "direct"), default=0)
    lines += ["", f"Of the cores' time, other work on the machine had at most {foreign:.0%} in any row (median)"
              + ("; all that is measured ran under the real-time policy, so that it got only what was left over."
                 if sql_servers.realtime else "; where that is much, p99 and throughput are not to be quoted.")]
    if verdicts := goals(result):
        lines += ["", "## Goals", "", "| goal | measured | reached |", "|---|--:|---|"]
        lines += [f"| {text} | {measured} | {'yes' if reached else '**no**'} |" for text, measured, reached in verdicts]
    return "\n".join(lines) + "\n"
