"""Medians, the Markdown table, and the goals the project set itself for this comparison.

Flow: result[table][row][server] is a list of samples; markdown(...) gives the page, all_goals(...) the verdicts.
"""
import datetime
import platform
import statistics
from pathlib import Path

from rows import ROWS

TABLES = {"off": "Access logs off everywhere", "on": "Access logs on, buffered, everywhere"}
PEERS = ("nginx", "varnish", "haproxy")

# row, what is compared, against whom, the least Fairing must reach (as a ratio Fairing / peer, higher is better)
GOALS = (
    ("kb1", "per_cpu_second", ("nginx",), 1.6), ("kb1", "per_cpu_second", ("varnish",), 2.5),
    ("kb1", "per_cpu_second", ("haproxy",), 1.1), ("kb100", "per_cpu_second", ("nginx",), 1.2),
    ("json-gzip", "per_cpu_second", PEERS, 1.0), ("json-identity", "per_cpu_second", PEERS, 1.0),
    ("pipelined", "per_cpu_second", ("nginx",), 5.0), ("miss", "per_cpu_second", ("nginx",), 1.0),
    ("uncacheable", "requests", ("varnish",), 1.0),
    *((row, "p99_us", PEERS, 1.0) for row in ("kb1", "kb100", "json-gzip", "json-identity", "pipelined")),
)
LEVEL = 0.97  # "level" and "no worse" allow for 3 % of noise between medians; a multiple allows for none


def median(samples, field):
    return statistics.median(sample[field] for sample in samples)


def problems(samples):
    return sorted({problem for sample in samples for problem in sample["problems"]})


def goals(rows):
    """(text, measured, reached) for each goal whose row and servers were measured, of one table."""
    found = []
    for name, field, peers, least in GOALS:
        mine, present = rows.get(name, {}).get("fairing"), [p for p in peers if rows.get(name, {}).get(p)]
        if not mine or not present:
            continue
        values = {p: median(rows[name][p], field) for p in present}
        lower_is_better = field == "p99_us"
        best = min(values, key=values.get) if lower_is_better else max(values, key=values.get)
        ratio = values[best] / median(mine, field) if lower_is_better else median(mine, field) / values[best]
        what = {"per_cpu_second": "requests per CPU-second", "p99_us": "p99", "requests": "answers"}[field]
        whom = best if len(peers) == 1 else f"the best of the others ({best})"
        text = (f"{ROWS[name].title}: {what} at least {least:g}× {whom}" if least != 1.0
                else f"{ROWS[name].title}: {what} no worse than {whom}")
        found.append((text, f"{ratio:.2f}×", ratio >= (least if least != 1.0 else LEVEL)))
    collapse = rows.get("collapse", {}).get("fairing")
    if collapse:
        asked = max(sample["origin"] for sample in collapse)
        found.append((f"{ROWS['collapse'].title}: one origin request", f"{asked}", asked == 1))
    return found


def all_goals(result):
    return [(f"{text}; logs {table}", *rest) for table in result for text, *rest in goals(result[table])]


def load_table(rows, names, servers):
    lines = ["| | server | req/s | CPU µs/req | requests per CPU-second | Fairing ÷ it | p50 µs | p99 µs | core busy |",
             "|---|---|--:|--:|--:|--:|--:|--:|--:|"]
    notes = []
    for name in names:
        mine = rows[name].get("fairing")
        for server in servers:
            samples = rows[name].get(server)
            if not samples:
                continue
            wrong = problems(samples)
            notes += [f"- {ROWS[name].title}, {server}: {problem}." for problem in wrong]
            each = {f: median(samples, f) for f in ("rps", "cpu_us", "per_cpu_second", "p50_us", "p99_us", "busy")}
            ratio = f"{median(mine, 'per_cpu_second') / each['per_cpu_second']:.2f}×" if mine else "–"
            lines.append(f"| {ROWS[name].title} | {server}{' (!)' if wrong else ''} | {each['rps']:,.0f} | "
                         f"{each['cpu_us']:.2f} | {each['per_cpu_second']:,.0f} | {ratio} | {each['p50_us']:,.0f} | "
                         f"{each['p99_us']:,.0f} | {each['busy']:.0%} |")
    return lines + ([""] + notes if notes else [])


def behaviour_table(rows, servers):
    lines = []
    if "collapse" in rows:
        lines += ["", f"**{ROWS['collapse'].title}**", "", "| server | origin requests | slowest client |", "|---|--:|--:|"]
        for server in servers:
            if samples := rows["collapse"].get(server):
                lines.append(f"| {server}{' (!) ' + '; '.join(problems(samples)) if problems(samples) else ''} | "
                             f"{median(samples, 'origin'):.0f} | {median(samples, 'slowest_us') / 1000:,.0f} ms |")
    if "uncacheable" in rows:
        lines += ["", f"**{ROWS['uncacheable'].title}**", "", "| server | answers | of at most | p99 |", "|---|--:|--:|--:|"]
        for server in servers:
            if samples := rows["uncacheable"].get(server):
                lines.append(f"| {server}{' (!) ' + '; '.join(problems(samples)) if problems(samples) else ''} | "
                             f"{median(samples, 'requests'):.0f} | {samples[0]['ideal']} | "
                             f"{median(samples, 'p99_us') / 1000:,.0f} ms |")
    return lines


def machine():
    model = next((line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    cores = sum(line.startswith("processor") for line in Path("/proc/cpuinfo").read_text().splitlines())
    return f"{model}, {cores} cores, Linux {platform.release()}"


def markdown(result, servers, versions, memory, rounds, seconds):
    today = datetime.date.today().isoformat()
    lines = [
        "# HTTP: Fairing beside nginx, Varnish and HAProxy", "",
        "Written by `./dev bench http`; do not edit. Same work, same run; each server on one core, load and origin on "
        f"another, 127.0.0.1, servers in turn in each of {rounds} rounds of {seconds:g} s, medians. CPU is user and system "
        "time of the server's whole process tree. Settings, and why each is that peer's best: `bench/versus/peers`. "
        "Compare within one table only: loopback charges the client's share of TCP to the server that sends.", "",
        f"- Machine: {machine()}; {today}",
        "- Versions: " + ", ".join(f"{s} {versions[s]}" for s in servers),
        "- Memory at the end (PSS; nginx's entries are files on tmpfs and not in it): "
        + ", ".join(f"{s} {memory[s] / 2**20:,.0f} MiB" for s in servers if s in memory)]
    for table, rows in result.items():
        loads = [name for name in rows if name not in ("collapse", "uncacheable")]
        lines += ["", f"## {TABLES[table]}", ""]
        if loads:
            lines += load_table(rows, loads, servers)
        lines += behaviour_table(rows, servers)
        foreign = max((s["foreign"] for name in loads for samples in rows[name].values() for s in samples), default=0)
        lines += ["", f"Most of the server's core that went to others in any sample (interrupts included): {foreign:.0%}."]
    if verdicts := all_goals(result):
        lines += ["", "## Goals", "", "| goal | measured | reached |", "|---|--:|---|"]
        lines += [f"| {text} | {measured} | {'yes' if reached else '**no**'} |" for text, measured, reached in verdicts]
    return "\n".join(lines) + "\n"
