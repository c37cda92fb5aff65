"""The figures as tables of a README: a row per case, a column per program, and what was left out."""

from .load import WORKLOADS
from .summary import number

# Title, kinds of workload, figure, digits, factor, and the ratio to the reference program, if any.
TABLES = (
    ("CPU of the pooler, µs per transaction", ("queries",), "cpu_us", 1, 1, "cpu_us_ratio"),
    ("CPU of the pooler, µs per login", ("logins", "burst"), "cpu_us", 0, 1, "cpu_us_ratio"),
    ("CPU of the pooler, s per GB of results", ("bytes",), "cpu_s_per_gb", 2, 1, "cpu_s_per_gb_ratio"),
    ("transactions per second", ("queries",), "tps", 0, 1, "tps_ratio"),
    ("latency, p99 in ms", ("queries",), "p99_us", 2, 1e-3, None),
    ("latency, p99/p50", ("queries",), "tail", 2, 1, None),
    ("running clients: p99 with the storm / without", ("storm",), "storm_ratio", 2, 1, None),
    ("running clients: p99 with slow readers / without", ("slow",), "slow_ratio", 2, 1, None),
    ("running clients: queries per second beside slow readers", ("slow",), "tps", 0, 1, None),
    ("resident MB before slow readers", ("slow",), "memory_before_mb", 1, 1, None),
    ("resident MB at the peak with slow readers", ("slow",), "memory_peak_mb", 1, 1, None),
    ("burst: seconds until all are served", ("burst",), "served_s", 2, 1, None),
    ("burst: p99 in ms", ("burst",), "p99_us", 0, 1e-3, None),
    ("burst: not served", ("burst",), "failed", 0, 1, None),
)


def tables(rows, counts, omitted, reference, command, machine, conditions):
    names = list(dict.fromkeys(row["program"] for row in rows))
    lines = [f"`bench/run {' '.join(command)}`", "", f"{machine}; {conditions}.", "",
             f"Medians over the rounds; in brackets the ratio to {reference}, taken within a round, with its "
             "range.", ""]
    for title, kinds, figure, digits, factor, ratio in TABLES:
        mine = [row for row in rows if WORKLOADS[row["workload"]].kind in kinds]
        lines += _table(title, mine, names, omitted,
                        lambda row, f=figure, d=digits, k=factor, r=ratio: _cell(row, f, d, k, r))
    lines += _workers(rows)
    lines += _counts(counts)
    for program, reason in dict.fromkeys((row["program"], row["reason"]) for row in omitted):
        lines.append(f"- left out: {program}, as {reason}.")
    return "\n".join(lines) + "\n"


def _cell(row, figure, digits, factor, ratio):
    value = row.get(figure)
    if value is None or not value and figure != "failed":
        return ""
    text = number(value * factor, digits)
    if ratio and row[ratio] and row[ratio]["range"] != [1, 1]:
        low, high = row[ratio]["range"]
        text += f" ({row[ratio]['median']:.2f}; {low:.2f}-{high:.2f})"
    return text


def _table(title, rows, names, omitted, cell):
    found = {(row["program"], row["workload"], row["clients"]): row for row in rows}
    left = {(row["program"], row["workload"], row["clients"]) for row in omitted}
    body = []
    for workload, clients in dict.fromkeys((row["workload"], row["clients"]) for row in rows):
        cells = []
        for name in names:
            row = found.get((name, workload, clients))
            failed = row and not row["rounds"]
            cells.append("left out" if (name, workload, clients) in left else
                         "failed" if failed else cell(row) if row else "")
        body.append([f"{workload}, {clients:,}", *cells])
    kept = [i for i in range(len(names)) if any(line[i + 1] for line in body)]
    if not kept:
        return []
    return _lines([title, *(names[i] for i in kept)], [[line[0], *(line[i + 1] for i in kept)] for line in body])


def _workers(rows):
    def text(ratio):
        return f"{ratio['median']:.2f} ({ratio['range'][0]:.2f}-{ratio['range'][1]:.2f})" if ratio else ""
    body = [[f"{row['program']}, {row['workload']}, {row['clients']:,}", text(row["tps_workers_ratio"]),
             text(row["cpu_us_workers_ratio"])] for row in rows
            if row.get("cpu_us_workers_ratio") and WORKLOADS[row["workload"]].kind in ("queries", "bytes")]
    return _lines(["workers / one worker", "tps", "CPU per transaction"], body) if body else []


def _counts(counts):
    lines = []
    calls = [[f"{row['program']}, {row['workload']}, {row['clients']}",
              number(row["read"] + row["write"], 2), number(row["all"], 2)] for row in counts["syscalls"]]
    if calls:
        lines += _lines(["system calls per query", "reads and writes", "all"], calls)
    if counts["allocations"]:
        lines += _lines(["allocations per query", ""],
                        [[f"{row['program']}, {row['workload']}, {row['clients']}",
                          number(row["per_query"], 4)] for row in counts["allocations"]])
    for kind, over in (("idle", ""), ("idle-tls", " over TLS")):
        body = [[f"{row['program']}, {row['clients']:,}",
                 *(number(row[state]) for state in ("connected", "queried", "burst", "kept"))]
                for row in counts[kind]]
        if body:
            lines += _lines([f"resident bytes per idle client{over}", "connected", "after a query each",
                             "after a burst of all", "kept when all left"], body)
    return lines


def _lines(head, body):
    return ["| " + " | ".join(head) + " |", "|---" * len(head) + "|",
            *("| " + " | ".join(line) + " |" for line in body), ""]
