"""The table of the demo: before and after, side by side."""


def _bytes(n):
    for unit in ("B", "KiB", "MiB", "GiB"):
        if n < 1024 or unit == "GiB":
            return f"{n:.1f} {unit}" if unit != "B" else f"{n:.0f} B"
        n /= 1024
    return ""


def _share(part, whole):
    return part / whole if whole else 0.0


def _ms(value):
    return f"{value:.2f} ms" if value < 10 else f"{value:.0f} ms"


def _pair(v):
    return f"{v[0]:,} / {v[1]:,}"


def _jobs(run):
    """Of the run, what was put off in it; empty without Fairing."""
    j = run["jobs"]
    return f"{j['done']:,} / {j['failed'] + j['expired']:,} / {j['dead']:,}" if j else ""


# (title, value of a run, how it is written, whether more is better; None: no factor is shown)
rows = [
    ("requests answered", lambda r: r["requests"], "{:,.0f}".format, None),
    ("throughput", lambda r: r["per_second"], "{:,.0f} /s".format, True),
    ("p50", lambda r: r["p50_ms"], _ms, False),
    ("p99", lambda r: r["p99_ms"], _ms, False),
    ("bytes on the wire, a request", lambda r: _share(r["bytes"], r["requests"]), _bytes, False),
    ("origin requests, of 100", lambda r: 100 * _share(r["origin_requests"], r["requests"]), "{:.1f}".format, False),
    ("queries at PostgreSQL, a request", lambda r: _share(r["statements"], r["requests"]), "{:.2f}".format, False),
    ("PostgreSQL connections, at most", lambda r: r["connections"], "{:,.0f}".format, False),
    ("wait in the pool, p99", lambda r: r["pool_wait_p99_ms"], _ms, None),
    ("passwords tried, of 100", lambda r: r["guesses"]["tried"], "{:.0f}".format, False),
    ("p95 of placing an order", lambda r: r["routes"].get("order", {}).get("p95_ms", 0), _ms, False),
    ("p95 of asking for a report", lambda r: r["reports"]["p95_ms"], _ms, False),
    ("  ... until it is in hand", lambda r: r["reports"]["in_hand_p95_ms"], _ms, False),
    ("reports written", lambda r: r["reports"]["in_hand"], "{:,.0f}".format, None),
    ("orders / confirmed by mail", lambda r: (r["orders_placed"], r["orders_confirmed"]), _pair, None),
    ("jobs done / tried again / dead", _jobs, lambda v: v or "", None),
    ("failed requests", lambda r: r["failed"], "{:,.0f}".format, None),
    ("answers checked / wrong", lambda r: (r["checked"], r["wrong"]), _pair, None),
]


def _factor(before, after, more_is_better):
    if more_is_better is None or not before or not after:
        return ""
    ratio = after / before if more_is_better else before / after
    if 0.95 < ratio < 1.05:
        return "level"
    return f"{ratio:.1f}x better" if ratio >= 1 else f"{1 / ratio:.1f}x worse"


def _mean(run, name):
    route = run["routes"].get(name)
    return route["total_ms"] / route["requests"] if route and route["requests"] else None


def _line(cells):
    return f"  {cells[0]:32}{cells[1]:>16}{cells[2]:>16}   {cells[3]}".rstrip()


def render(direct, fairing):
    """`fairing` may be None: then there is one column."""
    lines = ["", _line(["", "direct", "with Fairing" if fairing else "", ""])]
    for title, value, written, better in rows:
        before = value(direct)
        after = value(fairing) if fairing else None
        factor = _factor(before, after, better) if fairing else ""
        lines.append(_line([title, written(before), written(after) if fairing else "", factor]))
    lines += ["", _line(["mean time by route", "", "", ""])]
    for name in sorted(direct["routes"], key=lambda n: -direct["routes"][n]["total_ms"]):
        before, after = _mean(direct, name), _mean(fairing, name) if fairing else None
        cells = [f"  {name}", _ms(before), _ms(after) if after is not None else ""]
        lines.append(_line([*cells, _factor(before, after, False) if after else ""]))
    return "\n".join(lines) + "\n"
