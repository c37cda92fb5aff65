"""Which figures are drawn: lines over the number of clients, and bars. Whiskers span the rounds; a mark
or bar is their median."""

from .chart import Lines, Panel, Row, svg
from .load import WORKLOADS

BAR_CLIENTS = 64  # the number of clients that bars of workloads are of, where it was measured


def picture(title, subtitles, rows, counts):
    return svg(title, subtitles, panels_of(rows, counts))


def panels_of(rows, counts):
    """The panels that there are figures for."""
    found = _Figures(rows)
    panels = [*_line_rows(found), *_workload_bars(found), *_large_bars(found), *_login_bars(found),
              *_burst_bars(found), *_beside_bars(found), *_count_panels(counts)]
    return [panel for panel in panels if panel.series]


class _Figures:
    def __init__(self, rows):
        self.rows = [row for row in rows if row["rounds"]]
        self.names = list(dict.fromkeys(row["program"] for row in rows))
        self.by_key = {(row["program"], row["workload"], row["clients"]): row for row in self.rows}

    def workloads(self, *kinds):
        return list(dict.fromkeys(row["workload"] for row in self.rows
                                  if WORKLOADS[row["workload"]].kind in kinds))

    def clients(self, workload):
        return sorted({row["clients"] for row in self.rows if row["workload"] == workload})

    def value(self, name, case, figure, factor=1):
        row = self.by_key.get((name, *case))
        if not row or not row.get(figure):
            return None
        low, high = row[figure + "_range"]
        return row[figure] * factor, low * factor, high * factor

    def series(self, cases, figure, factor=1):
        return {name: [self.value(name, case, figure, factor) for case in cases] for name in self.names}


def _line_rows(found):
    for workload in found.workloads("queries"):
        clients = found.clients(workload)
        if len(clients) < 2:
            continue
        cases = [(workload, count) for count in clients]
        ticks = [f"{count:,}" for count in clients]
        yield Row(f"{workload}, over the number of clients", "clients", [
            Lines("transactions per second (more is better)", ticks, found.series(cases, "tps")),
            Lines("pooler CPU, µs per transaction (less)", ticks, found.series(cases, "cpu_us"),
                  cut=True),
            Lines("latency, 99th percentile, µs (less)", ticks, found.series(cases, "p99_us"), True)])


def _of_one_size(found, *kinds):
    """A case of each workload, with the number of clients nearest to BAR_CLIENTS."""
    return [(workload, min(found.clients(workload), key=lambda count: abs(count - BAR_CLIENTS)))
            for workload in found.workloads(*kinds)]


def _labels(cases):
    return [f"{workload}, {clients:,}" for workload, clients in cases]


def _workload_bars(found):
    cases = _of_one_size(found, "queries")
    deep = [case for case in cases if case[0] == "pipeline"]  # far above the others
    for some in ([case for case in cases if case not in deep], deep):
        if some:
            yield Panel("Transactions per second, by workload and number of clients (more is better)",
                        _labels(some), found.series(some, "tps"))
    if cases:
        yield Panel("Pooler CPU, microseconds per transaction (less is better)", _labels(cases),
                    found.series(cases, "cpu_us"), 1, cut=True)


def _large_bars(found):
    cases = [(workload, count) for workload in found.workloads("bytes")
             for count in found.clients(workload)]
    if cases:
        yield Panel("Results of 1 MB: pooler CPU, seconds per GB (less is better)", _labels(cases),
                    found.series(cases, "cpu_s_per_gb"), 2)


def _login_bars(found):
    cases = _of_one_size(found, "logins")
    for case in cases:  # a scale for each: TLS costs ten times as much
        yield Panel(f"{case[0]}: pooler CPU, microseconds per login (less is better)", _labels([case]),
                    found.series([case], "cpu_us"))


def _burst_bars(found):
    cases = [(workload, count) for workload in found.workloads("burst")
             for count in found.clients(workload)]
    if cases:
        yield Panel("Clients that come all at once: seconds until all are served (less is better)",
                    _labels(cases), found.series(cases, "served_s"), 2)
        yield Panel("Clients that come all at once: how many were refused or lost (less is better)",
                    _labels(cases), found.series(cases, "failed"))


def _beside_bars(found):
    titles = {"storm": "a storm of TLS logins", "slow": "slow readers"}
    for kind, what in titles.items():
        for workload in found.workloads(kind):
            case = (workload, found.clients(workload)[0])
            parts = [(f"{share}, {state}", prefix + figure)
                     for share, figure in (("p50", "p50_us"), ("p99", "p99_us"), ("p99.9", "p999_us"))
                     for state, prefix in (("alone", "calm_"), ("beside", ""))]
            yield Panel(f"Latency of running clients alone and beside {what}, microseconds (less is better)",
                        [label for label, _ in parts],
                        {name: [found.value(name, case, figure) for _, figure in parts]
                         for name in found.names})
            if kind == "slow":
                yield Panel("Resident memory of the pooler, MB (less is better)",
                            ["before slow readers", "at its peak with them"],
                            {name: [found.value(name, case, figure)
                                    for figure in ("memory_before_mb", "memory_peak_mb")]
                             for name in found.names}, 1, cut=True)


def _count_panels(counts):
    calls = counts["syscalls"]
    cases = list(dict.fromkeys((row["workload"], row["clients"]) for row in calls))

    def exact(value):
        return (value, value, value)

    def call_series(program):
        by_case = {(row["workload"], row["clients"]): row for row in calls
                   if row["program"] == program}
        return [exact(by_case[case]["all"]) if case in by_case else None for case in cases]

    yield Panel("System calls per query (less is better)", _labels(cases),
                {name: call_series(name) for name in dict.fromkeys(row["program"] for row in calls)}, 2)
    for kind, over in (("idle", ""), ("idle-tls", " over TLS")):
        yield Panel(f"Resident bytes per idle client{over} (less is better)",
                    ["connected", "after a query each", "after a burst of all", "kept when all left"],
                    {row["program"]: [exact(max(row[state], 0)) for state in
                                      ("connected", "queried", "burst", "kept")]
                     for row in counts[kind]}, cut=True)
