"""From cells to medians, ratios and the printed tables."""

from statistics import median

from .load import WORKLOADS
from .rounds import KIND_FIGURES

FIGURES = ("tps", "mean_us", "p50_us", "p99_us", "p999_us", "max_us", "cpu_us", "cpu_share")
RATIOS = ("tps", "cpu_us", "p99_us", "cpu_s_per_gb")


def kind_of(row):
    return WORKLOADS[row["workload"]].kind


def summarise(cells, reference):
    """One row per program and case: medians over the rounds, ratios to the reference program and of
    several workers to one.

    A ratio is taken within each round, where both ran under the same conditions, and then the median
    of these; its range tells how far to trust it."""
    by_key = {}
    for cell in cells:
        by_key.setdefault((cell.workload, cell.clients, cell.program), []).append(cell)
    rows = []
    for (workload, clients, program), mine in by_key.items():
        def peers_of(name, workload=workload, clients=clients):
            return {cell.round: cell for cell in by_key.get((workload, clients, name), [])
                    if cell.transactions}
        good = [cell for cell in mine if cell.transactions]
        row = {"workload": workload, "clients": clients, "program": program, "rounds": len(good),
               "errors": sum(cell.errors for cell in mine), "wrong": sum(cell.wrong for cell in mine),
               "fault": next((cell.fault for cell in mine if cell.fault), "")}
        for figure in FIGURES + KIND_FIGURES.get(WORKLOADS[workload].kind, ()):
            values = [getattr(cell, figure) for cell in good]
            row[figure] = median(values) if values else None
            row[figure + "_range"] = [min(values), max(values)] if values else None
        tails = [cell.p99_us / cell.p50_us for cell in good if cell.p50_us]
        row["tail"] = median(tails) if tails else None
        for figure in RATIOS:
            row[figure + "_ratio"] = _ratio(good, peers_of(reference), figure)
        base, _, workers = program.partition(":")
        if workers:
            for figure in ("tps", "cpu_us"):
                row[figure + "_workers_ratio"] = _ratio(good, peers_of(base), figure)
        rows.append(row)
    return rows


def _ratio(cells, peers, figure):
    ratios = [getattr(cell, figure) / getattr(peers[cell.round], figure) for cell in cells
              if cell.round in peers and getattr(peers[cell.round], figure)
              and getattr(cell, figure)]
    return {"median": median(ratios), "range": [min(ratios), max(ratios)]} if ratios else None


def number(value, digits=0):
    if value is None:
        return "-"
    return f"{value:,.{digits}f}"


def _ratio_text(ratio):
    if not ratio:
        return "-"
    low, high = ratio["range"]
    return f"{ratio['median']:.2f} ({low:.2f}-{high:.2f})"


def table(rows, reference, omitted=()):
    """The rounds as text: a table per workload and number of clients, each in the form of its kind."""
    shapes = {"queries": _queries, "logins": _queries, "bytes": _bytes, "storm": _storm, "slow": _slow,
              "burst": _burst}
    lines = []
    cases = [(row["workload"], row["clients"]) for row in rows]
    cases += [(row["workload"], row["clients"]) for row in omitted]
    for workload, clients in dict.fromkeys(cases):
        mine = [row for row in rows if (row["workload"], row["clients"]) == (workload, clients)]
        plural = "client" if clients == 1 else "clients"
        head, line_of = shapes[WORKLOADS[workload].kind](reference)
        body = [[row["program"], *line_of(row)] for row in mine]
        lines += grid([[f"{workload}, {clients:,} {plural}", *head], *body]) + _faults(mine)
        lines += [f"  - {row['program']} is left out: {row['reason']}" for row in omitted
                  if (row["workload"], row["clients"]) == (workload, clients)] + [""]
    return lines + workers_table(rows)


def _faults(rows):
    return [f"  ! {row['program']}: {row['errors']} errors, {row['wrong']} wrong answers: "
            f"{row['fault'].splitlines()[0] if row['fault'] else ''}"
            for row in rows if row["errors"] or row["wrong"]]


def _share(row):
    return f"{row['cpu_share']:.0%}" if row["cpu_share"] else "-"


def _queries(reference):
    head = ["tps", "p50 us", "p99 us", "p99/p50", "CPU us/tx", "core used", f"tps / {reference}",
            f"CPU / {reference}"]
    return head, lambda row: [
        number(row["tps"]), number(row["p50_us"], 1), number(row["p99_us"], 1), number(row["tail"], 2),
        number(row["cpu_us"] or None, 2), _share(row), _ratio_text(row["tps_ratio"]),
        _ratio_text(row["cpu_us_ratio"])]


def _bytes(reference):
    head = ["MB/s", "p50 us", "p99 us", "CPU s/GB", "core used", f"MB/s / {reference}",
            f"CPU / {reference}"]
    return head, lambda row: [
        number(row["mb_per_s"]), number(row["p50_us"], 1), number(row["p99_us"], 1),
        number(row["cpu_s_per_gb"] or None, 2), _share(row), _ratio_text(row["tps_ratio"]),
        _ratio_text(row["cpu_s_per_gb_ratio"])]


def _beside(row, names):
    return [f"{number(row['calm_' + name])} > {number(row[name])}" for name in names]


def _own_ratio(row, figure):
    return _ratio_text(row[figure] and {"median": row[figure], "range": row[figure + "_range"]})


def _storm(reference):
    """Latency of the running clients without and with the storm, and what the comers saw."""
    head = ["p50 us, calm > storm", "p99", "p99.9", "max", "p99 storm / calm", f"p99 / {reference}",
            "logins/s", "login p99 us"]
    return head, lambda row: [
        *_beside(row, ("p50_us", "p99_us", "p999_us", "max_us")), _own_ratio(row, "storm_ratio"),
        _ratio_text(row["p99_us_ratio"]), number(row["logins_per_s"], 1), number(row["login_p99_us"])]


def _slow(reference):
    """The running clients without and with slow readers, and the pooler's memory."""
    head = ["tps, alone > beside", "p50 us", "p99", "p99.9", "p99 beside / alone", f"p99 / {reference}",
            "MB, before > peak", "read MB/s"]
    def memory(row):
        if not row["memory_peak_mb"]:
            return "-"
        return f"{number(row['memory_before_mb'], 1)} > {number(row['memory_peak_mb'], 1)}"
    return head, lambda row: [
        *_beside(row, ("tps", "p50_us", "p99_us", "p999_us")), _own_ratio(row, "slow_ratio"),
        _ratio_text(row["p99_us_ratio"]), memory(row), number(row["slow_mb_per_s"], 1)]


def _burst(reference):
    head = ["all served in s", "served", "failed", "p50 ms", "p99 ms", "CPU us/login", f"CPU / {reference}"]
    return head, lambda row: [
        number(row["served_s"], 2), number(row["served"]), number(row["failed"]),
        number(row["p50_us"] and row["p50_us"] / 1000, 1), number(row["p99_us"] and row["p99_us"] / 1000, 1),
        number(row["cpu_us"] or None, 1), _ratio_text(row["cpu_us_ratio"])]


def workers_table(rows):
    """What several workers make of one, of the same program in the same round."""
    body = [[f"{row['program']}, {row['workload']}, {row['clients']:,}",
             _ratio_text(row["tps_workers_ratio"]), _ratio_text(row["cpu_us_workers_ratio"])]
            for row in rows if row.get("cpu_us_workers_ratio") and kind_of(row) in ("queries", "bytes")]
    return grid([["workers / one worker", "tps", "CPU us/tx"], *body]) + [""] if body else []


def count_tables(counts):
    """System calls, allocations and memory as text."""
    lines = []
    syscalls = [["calls per query", "read", "write", "read+write", "wait", "epoll_ctl", "all"]]
    for row in counts["syscalls"]:
        syscalls.append([f"{row['program']}, {row['workload']}, {row['clients']}",
                         *(number(value, 2) for value in
                           (row["read"], row["write"], row["read"] + row["write"], row["wait"],
                            row["epoll_ctl"], row["all"]))])
    if len(syscalls) > 1:
        lines += grid(syscalls) + [f"  counted with {counts['syscall_counter']}", ""]
    if any("instructions" in row for row in counts["syscalls"]):
        lines += grid([["user instructions per query", ""]] + [
            [f"{row['program']}, {row['workload']}, {row['clients']}", number(row["instructions"])]
            for row in counts["syscalls"] if "instructions" in row]) + [""]
    if counts["allocations"]:
        lines += grid([["allocations per query", ""]] + [
            [f"{row['program']}, {row['workload']}, {row['clients']}", number(row["per_query"], 4)]
            for row in counts["allocations"]]) + [""]
    for kind, over in (("idle", ""), ("idle-tls", " over TLS")):
        if not counts[kind]:
            continue
        lines += grid([["resident bytes per idle client" + over, "clients", "connected", "after a query",
                        "after a burst", "kept when gone", "idle CPU us/s"]] + [
            [row["program"], number(row["clients"]), number(row["connected"]),
             number(row["queried"]), number(row["burst"]), number(row["kept"]), number(row["idle_cpu_us_per_s"])]
            for row in counts[kind]]) + [""]
    return lines + [f"  not measured: {text}" for text in counts["missing"]]


def grid(rows):
    """Columns aligned: the first to the left, the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join([row[0].ljust(max(widths[0], 32)),
                       *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))]).rstrip()
            for row in rows]
