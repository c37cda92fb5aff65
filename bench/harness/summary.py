"""From cells to medians, ratios and the printed table."""

from statistics import median

from .rounds import STORM_FIGURES

FIGURES = ("tps", "mean_us", "p50_us", "p99_us", "p999_us", "max_us", "cpu_us", "cpu_share")


def summarise(cells, reference):
    """One row per program and case: medians over the rounds, ratios to the reference program.

    A ratio is taken within each round, where both ran under the same conditions, and then the median
    of these; its range tells how far to trust it."""
    by_key = {}
    for cell in cells:
        by_key.setdefault((cell.workload, cell.clients, cell.program), []).append(cell)
    rows = []
    for (workload, clients, program), mine in by_key.items():
        good = [cell for cell in mine if cell.transactions]
        row = {"workload": workload, "clients": clients, "program": program, "rounds": len(good),
               "errors": sum(cell.errors for cell in mine), "wrong": sum(cell.wrong for cell in mine),
               "fault": next((cell.fault for cell in mine if cell.fault), "")}
        for figure in FIGURES + (STORM_FIGURES if workload == "login-storm" else ()):
            values = [getattr(cell, figure) for cell in good]
            row[figure] = median(values) if values else None
            row[figure + "_range"] = [min(values), max(values)] if values else None
        peers = {cell.round: cell for cell in by_key.get((workload, clients, reference), [])
                 if cell.transactions}
        for figure in ("tps", "cpu_us", "p99_us"):
            row[figure + "_ratio"] = _ratio(good, peers, figure)
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


def table(rows, reference):
    """The rounds as text."""
    lines = []
    columns = ["", "tps", "mean us", "p99 us", "CPU us/tx", "core used", f"tps / {reference}",
               f"CPU / {reference}"]
    for workload, clients in dict.fromkeys((row["workload"], row["clients"]) for row in rows):
        if workload == "login-storm":
            lines += storm_table(rows, reference) + _faults(rows, workload, clients) + [""]
            continue
        body = []
        for row in rows:
            if (row["workload"], row["clients"]) != (workload, clients):
                continue
            body.append([row["program"], number(row["tps"]), number(row["mean_us"], 1),
                         number(row["p99_us"], 1), number(row["cpu_us"] or None, 2),
                         f"{row['cpu_share']:.0%}" if row["cpu_share"] else "-",
                         _ratio_text(row["tps_ratio"]), _ratio_text(row["cpu_us_ratio"])])
        plural = "client" if clients == 1 else "clients"
        lines += grid([[f"{workload}, {clients} {plural}", *columns[1:]], *body])
        lines += _faults(rows, workload, clients) + [""]
    return lines


def _faults(rows, workload, clients):
    return [f"  ! {row['program']}: {row['errors']} errors, {row['wrong']} wrong answers: "
            f"{row['fault'].splitlines()[0] if row['fault'] else ''}"
            for row in rows if (row["errors"] or row["wrong"])
            and (row["workload"], row["clients"]) == (workload, clients)]


def storm_table(rows, reference):
    """Latency of the running clients without and with the storm, and what the comers saw."""
    body = []
    for row in (row for row in rows if row["workload"] == "login-storm"):
        cells = [f"{number(row['calm_' + name])} > {number(row[name])}"
                 for name in ("p50_us", "p99_us", "p999_us", "max_us")]
        ratio = {"median": row["storm_ratio"], "range": row["storm_ratio_range"]}
        body.append([row["program"], *cells, _ratio_text(ratio if row["storm_ratio"] else None),
                     _ratio_text(row["p99_us_ratio"]), number(row["logins_per_s"], 1),
                     number(row["login_p99_us"])])
    return grid([["login-storm, us, calm > storm", "p50", "p99", "p99.9", "max", "p99 storm / calm",
                  f"p99 / {reference}", "logins/s", "login p99"], *body])


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
