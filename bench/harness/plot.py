"""The figures as an SVG of grouped bars. Whiskers span the rounds; a bar is their median."""

from html import escape

WIDTH, MARGIN, PANEL, GAP = 1000, 70, 210, 78
COLOURS = ["#8a8a8a", "#d1495b", "#2e6f95", "#edae49", "#5b8c5a", "#7d5ba6", "#3c3c3c", "#c98686"]


class Panel:
    """GROUPS: labels along the x axis. SERIES: program -> values (value, low, high) or None."""

    def __init__(self, title, groups, series, digits=0):
        self.title, self.groups, self.digits = title, groups, digits
        self.series = {name: values for name, values in series.items() if any(values)}


def panels_of(rows, counts):
    """The panels that there are figures for."""
    storms = [row for row in rows if row["workload"] == "login-storm" and row["rounds"]]
    rows = [row for row in rows if row["workload"] != "login-storm"]
    cases = list(dict.fromkeys((row["workload"], row["clients"]) for row in rows))
    names = list(dict.fromkeys(row["program"] for row in rows))
    found = {(row["program"], row["workload"], row["clients"]): row for row in rows}

    def series(figure):
        def bar(name, case):
            row = found.get((name, *case))
            return (row[figure], *row[figure + "_range"]) if row and row[figure] else None
        return {name: [bar(name, case) for case in cases] for name in names}

    labels = [f"{workload} {clients}" for workload, clients in cases]
    panels = [
        Panel("Transactions per second (more is better)", labels, series("tps")),
        Panel("Pooler CPU, microseconds per transaction (less is better)", labels,
              series("cpu_us"), 1),
        Panel("Latency, 99th percentile, microseconds (less is better)", labels, series("p99_us")),
        _storm_panel(storms),
        *_count_panels(counts),
    ]
    return [panel for panel in panels if panel.series]


def _storm_panel(rows):
    figures = ("calm_p50_us", "p50_us", "calm_p99_us", "p99_us", "calm_p999_us", "p999_us")
    labels = [f"{share}, {state}" for share in ("p50", "p99", "p99.9") for state in ("calm", "storm")]
    return Panel("Latency of running clients without and with a storm of TLS logins, microseconds",
                 labels, {row["program"]: [(row[name], *row[name + "_range"]) for name in figures]
                          for row in rows})


def _count_panels(counts):
    calls = counts["syscalls"]
    cases = list(dict.fromkeys((row["workload"], row["clients"]) for row in calls))

    def exact(value):
        return (value, value, value)

    def call_series(program):
        by_case = {(row["workload"], row["clients"]): row for row in calls
                   if row["program"] == program}
        return [exact(by_case[case]["all"]) if case in by_case else None for case in cases]

    yield Panel("System calls per query (less is better)",
                [f"{workload} {clients}" for workload, clients in cases],
                {name: call_series(name) for name in dict.fromkeys(row["program"] for row in calls)},
                2)
    for kind, over in (("idle", ""), ("idle-tls", " over TLS")):
        yield Panel(f"Resident bytes per idle client{over} (less is better)",
                    ["connected", "after a query each", "after a burst of all", "kept when all left"],
                    {row["program"]: [exact(max(row[state], 0)) for state in
                                      ("connected", "queried", "burst", "kept")]
                     for row in counts[kind]})


def svg(title, subtitles, panels):
    """The whole picture."""
    names = list(dict.fromkeys(name for panel in panels for name in panel.series))
    colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(names)}
    top = 112 + 16 * len(subtitles)
    height = top + len(panels) * (PANEL + GAP)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
           f'font-family="sans-serif" font-size="12">',
           f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
           _text(MARGIN, 28, title, size=18, weight="bold")]
    out += [_text(MARGIN, 48 + 16 * i, text, fill="#555") for i, text in enumerate(subtitles)]
    out += _legend(colours, 48 + 16 * len(subtitles))
    for i, panel in enumerate(panels):
        out += _panel(panel, top + i * (PANEL + GAP), colours)
    return "\n".join(out + ["</svg>", ""])


def _legend(colours, y):
    x = MARGIN
    for name, colour in colours.items():
        yield f'<rect x="{x}" y="{y}" width="12" height="12" fill="{colour}"/>'
        yield _text(x + 17, y + 10, name)
        x += 17 + 8 * len(name) + 22


def _panel(panel, top, colours):
    largest = max(bar[2] for values in panel.series.values() for bar in values if bar)
    step, digits = tick_step(largest)
    scale = PANEL / (step * (int(largest / step) + 1))
    bottom = top + PANEL
    yield _text(MARGIN, top - 12, panel.title, weight="bold")
    for i in range(int(largest / step) + 2):
        y = bottom - i * step * scale
        yield f'<line x1="{MARGIN}" x2="{WIDTH - 20}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
        yield _text(MARGIN - 6, y + 4, f"{i * step:,.{digits}f}", anchor="end", fill="#555")
    slot = (WIDTH - 20 - MARGIN) / len(panel.groups)
    bar = min(slot * 0.84 / len(panel.series), 70)
    for group, label in enumerate(panel.groups):
        middle = MARGIN + (group + 0.5) * slot
        yield _text(middle, bottom + 17, label, anchor="middle")
        left = middle - bar * len(panel.series) / 2
        for i, (name, values) in enumerate(panel.series.items()):
            if values[group]:
                yield from _bar(left + i * bar, bar, bottom, scale, values[group], colours[name],
                                panel.digits)


def _bar(x, width, bottom, scale, value, colour, digits):
    middle, low, high = (one * scale for one in value)
    centre = x + width / 2
    yield (f'<rect x="{x + 1:.1f}" y="{bottom - middle:.1f}" width="{width - 2:.1f}" '
           f'height="{middle:.1f}" fill="{colour}"/>')
    if high > low:
        yield (f'<line x1="{centre:.1f}" x2="{centre:.1f}" y1="{bottom - low:.1f}" '
               f'y2="{bottom - high:.1f}" stroke="black"/>')
    text = f"{value[0]:,.{digits}f}" if value[0] < 10000 else f"{value[0] / 1000:,.1f}k"
    y = bottom - high - 4
    if len(text) * 6.2 <= width + 4:
        yield _text(centre, y, text, anchor="middle", size=10)
    else:
        yield (f'<text x="{centre + 4:.1f}" y="{y:.1f}" font-size="10" '
               f'transform="rotate(-90 {centre + 4:.1f} {y:.1f})">{text}</text>')


def tick_step(largest):
    """A round distance between lines, three to eight of them, and the digits to print it with."""
    exponent = 0
    while largest / 10 ** exponent >= 10:
        exponent += 1
    while largest > 0 and largest / 10 ** exponent < 1:
        exponent -= 1
    unit = 10.0 ** exponent
    step = next(step for step in (unit / 5, unit / 2, unit, unit * 2) if largest / step <= 8)
    return step, 0 if step >= 1 else 1 if step >= 0.1 else 3


def _text(x, y, text, *, anchor="start", size=None, weight=None, fill=None):
    extra = "".join(f' {name}="{value}"' for name, value in
                    (("font-size", size), ("font-weight", weight), ("fill", fill)) if value)
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{extra}>{escape(text)}</text>'
