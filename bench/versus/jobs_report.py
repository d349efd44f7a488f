"""The page of the jobs benchmark: tables of medians, and the goals the project set itself.

Flow: result = {"rows": {row: {server: [samples]}}, "slow_disk": {ms: {server: [samples]}}, "postgres": {row: [samples]},
"backlog": {row: {"empty" | "full": [samples]}}, "idle": sample, "parked": sample, "recovery": [samples]};
markdown(result, ...) gives the page, goals(result) the verdicts.
"""
import datetime
import statistics

import harness
from jobs_rows import ROWS
from report import machine, problems

CEILING_LEAST = 0.60
BATCH_LEAST = 2.0
SYNCS_MOST = 3
BACKLOG_LEAST = 0.80
IDLE_MOST = 0.01
PARKED_LIMIT = 200_000_000
RECOVERY_MOST_S = 1.0
THROUGH = {"sync": "write + fdatasync, one after another", "sqlite": "SQLite, as many rows a commit"}


def median(samples, field):
    return statistics.median(sample[field] for sample in samples)


def of(result, row, server, field):
    """The median; None if it was not measured."""
    samples = result["rows"].get(row, {}).get(server)
    return median(samples, field) if samples else None


def ratio_goal(text, mine, other, least):
    if mine is None or other is None:
        return []
    ratio = mine / max(other, 1e-9)
    return [(text, f"{ratio:.2f}×", ratio >= least)]


def throughput_goals(result):
    mine = of(result, "enqueue", "fairing", "rate")
    peers = [rate for row in ("enqueue-50", "enqueue") if (rate := of(result, row, "bullmq", "rate")) is not None]
    found = ratio_goal(f"durable put, 64 in flight: at least {CEILING_LEAST:.0%} of SQLite's group commit with as many",
                       mine, of(result, "enqueue", "sqlite", "rate"), CEILING_LEAST)
    found += ratio_goal("durable put, 64 in flight: at least 1.0× BullMQ's add (the better of 50 and 64 in flight)", mine,
                        max(peers, default=None), 1.0)
    found += ratio_goal(f"put by tens: at least {BATCH_LEAST:g}× BullMQ's addBulk of ten", of(result, "batch", "fairing", "rate"),
                        of(result, "batch", "bullmq", "rate"), BATCH_LEAST)
    for row in ("cycle", "drain"):
        found += ratio_goal(f"no-op jobs, {ROWS[row].title}: at least 1.0× BullMQ's", of(result, row, "fairing", "rate"),
                            of(result, row, "bullmq", "rate"), 1.0)
    p99, sync = of(result, "enqueue", "fairing", "p99_us"), of(result, "enqueue", "sync", "p99_us")
    if p99 is not None and sync is not None:
        found.append((f"durable put, 64 in flight: p99 within {SYNCS_MOST} syncs' p99", f"{p99:,.0f} µs, {p99 / sync:.1f} syncs",
                      p99 <= SYNCS_MOST * sync))
    return found


def goals(result):
    """(text, measured, reached) of each goal whose parts were measured."""
    found = throughput_goals(result)
    for title, both in result["backlog"].items():
        share = median(both["full"], "rate") / max(median(both["empty"], "rate"), 1e-9)
        found.append((f"{title}: rate with the backlog within {1 - BACKLOG_LEAST:.0%} of the empty queue's",
                      f"{share - 1:+.0%}", share >= BACKLOG_LEAST))
    if idle := result["idle"]:
        found.append((f"{idle['jobs']:,} scheduled jobs, nothing to do: CPU under {IDLE_MOST:.0%}", f"{idle['share']:.2%}",
                      idle["share"] < IDLE_MOST))
    if parked := result["parked"]:
        found.append((f"{parked['polls']:,} parked long polls under {PARKED_LIMIT / 1e6:.0f} MB", f"{parked['bytes'] / 1e6:.1f} MB",
                      parked["bytes"] < PARKED_LIMIT and parked["lost"] == 0))
    if result["recovery"]:
        worst = max(sample["seconds"] for sample in result["recovery"])
        found.append((f"killed and started again: the first job within {RECOVERY_MOST_S:g} s", f"{worst:.2f} s at most",
                      worst <= RECOVERY_MOST_S))
    return found


def ratio(mine, samples):
    """How many times as many jobs a second."""
    return f"{median(mine, 'rate') / max(median(samples, 'rate'), 1e-9):.2f}×"


def wrong(notes, title, samples):
    """Notes what is wrong with the samples; the mark of such a row."""
    found = problems(samples)
    notes += [f"- {title}: {problem}." for problem in found]
    return " (!)" if found else ""


def load_table(rows, servers):
    lines = ["| | through | jobs/s | Fairing ÷ it | CPU µs/job | client's CPU µs/job | p50 µs | p99 µs | core busy |",
             "|---|---|--:|--:|--:|--:|--:|--:|--:|"]
    notes = []
    for name, by_server in rows.items():
        mine = by_server.get("fairing")
        for server in (*servers, "sqlite", "sync"):
            samples = by_server.get(server)
            if not samples:
                continue
            mark = wrong(notes, f"{ROWS[name].title}, {server}", samples)
            times = ratio(mine, samples) if mine and server != "sync" else "–"
            client = f"{median(samples, 'client_us'):.1f}" if "client_us" in samples[0] else "–"
            cpu = f"{median(samples, 'cpu_us'):.1f}" if server != "sync" else "–"
            lines.append(f"| {ROWS[name].title} | {THROUGH.get(server, server)}{mark} | "
                         f"{median(samples, 'rate'):,.0f} | {times} | {cpu} | {client} | {median(samples, 'p50_us'):,.0f} | "
                         f"{median(samples, 'p99_us'):,.0f} | {median(samples, 'busy'):.0%} |")
    return lines + ([""] + notes if notes else [])


def slow_disk_table(slow_disk):
    lines = ["", "## On a slower disk", "",
             "On the fast disk of the first table CPU decides: what a request costs over HTTP against what a row costs in "
             f"SQLite. Where a sync takes {', '.join(map(str, slow_disk))} ms, as on cloud block storage and on SSDs without "
             "power-loss protection, the sync decides, and it is the same for both.", "",
             "All three run with `libfairing_faults.so` (LD_PRELOAD), in which fsync and fdatasync sleep until so much time has "
             "passed. p99 in syncs: over the p99 of the write + fdatasync loop. "
             f"{rounds_of(next(iter(slow_disk.values()))['fairing'])}", "",
             f"| a sync | {ROWS['enqueue'].title}, through | jobs/s | Fairing ÷ it | CPU µs/job | p50 µs | p99 µs | "
             "p99 in syncs |",
             "|--:|---|--:|--:|--:|--:|--:|--:|"]
    notes = []
    for ms, by_server in slow_disk.items():
        sync_p99 = median(by_server["sync"], "p99_us")
        for server in ("fairing", "sqlite", "sync"):
            samples, jobs = by_server[server], server != "sync"
            mark = wrong(notes, f"sync of {ms} ms, {server}", samples)
            lines.append(f"| {ms} ms | {THROUGH.get(server, server)}{mark} | {median(samples, 'rate'):,.0f} | "
                         f"{ratio(by_server['fairing'], samples) if jobs else '–'} | "
                         f"{format(median(samples, 'cpu_us'), '.1f') if jobs else '–'} | {median(samples, 'p50_us'):,.0f} | "
                         f"{median(samples, 'p99_us'):,.0f} | {median(samples, 'p99_us') / sync_p99:.1f} |")
    return lines + ([""] + notes if notes else [])


def postgres_table(postgres):
    lines = ["", "## On PostgreSQL", "",
             "The store is a PostgreSQL (`store: postgres://...`) on the same disk: `fsync`, `synchronous_commit` and "
             f"`full_page_writes` on, `shared_buffers` 256 MB. It shares core {harness.LOAD_CORE} with the client; Fairing has "
             f"core {harness.SERVER_CORE}. {rounds_of(next(iter(postgres.values())))}", "",
             "| | jobs/s | CPU µs/job | PostgreSQL's CPU µs/job | client's CPU µs/job | p50 µs | p99 µs | "
             f"core {harness.SERVER_CORE} busy | core {harness.LOAD_CORE} busy |", "|---|--:|--:|--:|--:|--:|--:|--:|--:|"]
    notes = []
    for name, samples in postgres.items():
        mark = wrong(notes, ROWS[name].title, samples)
        lines.append(f"| {ROWS[name].title}{mark} | {median(samples, 'rate'):,.0f} | {median(samples, 'cpu_us'):.1f} | "
                     f"{median(samples, 'database_us'):.1f} | {median(samples, 'client_us'):.1f} | "
                     f"{median(samples, 'p50_us'):,.0f} | {median(samples, 'p99_us'):,.0f} | {median(samples, 'busy'):.0%} | {median(samples, 'load_busy'):.0%} |")
    return lines + ([""] + notes if notes else [])


def rounds_of(samples):
    return f"Rounds: {len(samples)}, medians."


def backlog_table(backlog, jobs):
    lines = ["", "## With a backlog", "",
             f"Two Fairings in turn: an empty one, and one with {jobs} jobs that wait (those that are put stay, too).", "",
             "| | queue | jobs/s | CPU µs/job | p99 µs |", "|---|---|--:|--:|--:|"]
    for title, both in backlog.items():
        for which, samples in both.items():
            # With a backlog a job's own way takes as long as the backlog does.
            p99 = "–" if which == "full" and "run" in title else f"{median(samples, 'p99_us'):,.0f}"
            lines.append(f"| {title} | {which} | {median(samples, 'rate'):,.0f} | {median(samples, 'cpu_us'):.1f} | {p99} |")
    return lines


def rest_tables(result):
    lines = []
    if idle := result["idle"]:
        lines += ["", "## At rest", "",
                  f"{idle['jobs']:,} jobs scheduled in ten hours: {idle['share']:.2%} of a core over {idle['seconds']:g} s, "
                  f"{idle['bytes'] / 1e6:.1f} MB resident."]
    if parked := result["parked"]:
        lines += ["", "## Parked long polls", "",
                  f"{parked['polls']:,} leases that wait: {parked['bytes'] / 1e6:.1f} MB resident ({parked['before'] / 1e6:.1f} "
                  f"before; {parked['each']:,.0f} B each), {parked['share']:.2%} of a core, {parked['lost']} lost."]
    if result["recovery"]:
        lines += ["", "## Killed and started again", "",
                  "SIGKILL while 64 connections put jobs; time from the start of the process to a leased job in a client's "
                  "hands. Cold: the store's pages were dropped from the page cache before, as a reboot would.", "",
                  "| backlog | page cache | listening after | first job after |", "|--:|---|--:|--:|"]
        lines += [f"| {s['backlog']:,} | {'cold' if s['cold'] else 'warm'} | {s['listening_s']:.2f} s | {s['seconds']:.2f} s |"
                  for s in result["recovery"]]
    return lines


def markdown(result, servers, versions, options):
    lines = [
        "# Jobs: Fairing beside BullMQ and the limits of the disk", "",
        "Written by `./dev bench jobs`; do not edit. Same work, same run: the server (Fairing; Redis) alone on core "
        f"{harness.SERVER_CORE}, its load on core {harness.LOAD_CORE}, 127.0.0.1, stores on the same disk, in turn in each of "
        f"{options.rounds} rounds of {options.seconds:g} s, medians. Payloads of 200 bytes; BullMQ removes finished jobs, Fairing keeps them, as by default. CPU is user and "
        "system time of the server's process tree over the jobs of the run; the client's is beside it, since much of BullMQ "
        "runs there. **The guarantees differ**: Fairing answers when a job is synced to the disk, Redis (`appendfsync "
        "everysec`) before, so that a power cut takes up to a second of answered jobs. Settings of the peer, and why they are "
        "its best: `bench/versus/peers/redis.conf`, `bench/jobs/bullmq.mjs`. Fairing's client leases up to 50 jobs at once "
        "over 2 connections and acknowledges each on its own over 200. Compare within one table only.", "",
        f"- Machine: {machine()}; {datetime.date.today().isoformat()}",
        "- Versions: " + ", ".join(f"{name} {version}" for name, version in versions.items() if version),
    ]
    if result["rows"]:
        lines += ["", "## Throughput and latency", "",
                  "Latency: of a put, from request to answer; of rows that run jobs, from the put to the acknowledgement. "
                  "`SQLite` is what one thread gets that inserts rows of this size into one table with one index and "
                  "commits as many at once as there are jobs in flight: no sockets, no rules. Its CPU and the "
                  "sync loop's are on the server's core.", "",
                  *load_table(result["rows"], servers)]
    if result["slow_disk"]:
        lines += slow_disk_table(result["slow_disk"])
    if result["postgres"]:
        lines += postgres_table(result["postgres"])
    if result["backlog"]:
        lines += backlog_table(result["backlog"], f"{options.backlog:,}")
    lines += rest_tables(result)
    rows = [*result["rows"].values(), *result["slow_disk"].values(),
            *({"fairing": samples} for samples in result["postgres"].values())]
    foreign = max((median(samples, "foreign") for by_server in rows for server, samples in by_server.items()
                   if server in servers), default=0)
    lines += ["", f"Of the cores' time, other work on the machine had at most {foreign:.0%} in any row (median); where that is "
              "much, p99 and throughput are not to be quoted."]
    if verdicts := goals(result):
        lines += ["", "## Goals", "", "| goal | measured | reached |", "|---|--:|---|"]
        lines += [f"| {text} | {measured} | {'yes' if reached else '**no**'} |" for text, measured, reached in verdicts]
    return "\n".join(lines) + "\n"
