"""Draws: panels of grouped bars and rows of small line charts, on a ground of their own, so that they
can be read on a light page as on a dark one."""

from dataclasses import dataclass, field
from html import escape
from math import ceil, floor, log10
from statistics import median
from textwrap import wrap

WIDTH, MARGIN, EDGE = 1080, 70, 24
BARS_HEIGHT, LINES_HEIGHT, GAP = 190, 160, 100
INK, PALE, GRID, GROUND = "#1c1c1c", "#555555", "#dddddd", "#ffffff"
# Told apart by those who see fewer colours as well; lines have marks besides.
COLOURS = ["#767676", "#c1272d", "#e58606", "#f2b701", "#0072b2", "#56b4e9", "#1b7f5c", "#7d5ba6",
           "#3c3c3c", "#c98686"]
MARKS = ["circle", "square", "diamond", "up", "cross", "down", "ring", "box", "circle", "square"]


@dataclass
class Panel:
    """Grouped bars. GROUPS: labels of the x axis. SERIES: program -> (value, low, high) or None each."""
    title: str
    groups: list
    series: dict
    digits: int = 0
    cut: bool = False  # programs far above the others are cut off at the top

    def __post_init__(self):
        self.series = {name: values for name, values in self.series.items() if any(values)}


@dataclass
class Lines:
    """One small chart. TICKS: labels of the x axis. SERIES as of Panel."""
    title: str
    ticks: list
    series: dict
    logarithmic: bool = False
    cut: bool = False


@dataclass
class Row:
    """Small charts beside each other."""
    title: str
    x_label: str
    charts: list = field(default_factory=list)

    @property
    def series(self):
        return {name: values for chart in self.charts for name, values in chart.series.items()
                if any(values)}


def svg(title, subtitles, panels):
    """The whole picture: PANELS are Panel and Row."""
    subtitles = [line for text in subtitles for line in wrap(text, 165)]
    names = list(dict.fromkeys(name for panel in panels for name in panel.series))
    styles = {name: (COLOURS[i % len(COLOURS)], MARKS[i % len(MARKS)]) for i, name in enumerate(names)}
    top = 124 + 16 * len(subtitles)
    out, y = [], top
    for panel in panels:
        if isinstance(panel, Row):
            out += _row(panel, y, styles)
            y += LINES_HEIGHT + GAP + 34
        else:
            out += _bars(panel, y, styles)
            y += BARS_HEIGHT + GAP
    head = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" '
            f'font-family="sans-serif" font-size="12" fill="{INK}">',
            f'<rect width="{WIDTH}" height="{y}" rx="8" fill="{GROUND}"/>',
            _text(EDGE, 32, title, size=18, weight="bold")]
    head += [_text(EDGE, 52 + 16 * i, text, fill=PALE) for i, text in enumerate(subtitles)]
    return "\n".join([*head, *_legend(styles, 52 + 16 * len(subtitles)), *out, "</svg>", ""])


def _legend(styles, y):
    x = EDGE
    for name, (colour, mark) in styles.items():
        yield f'<rect x="{x}" y="{y}" width="14" height="14" fill="{colour}"/>'
        yield _mark(mark, x + 7, y + 7, GROUND, 3)
        yield _text(x + 20, y + 11, name)
        x += 20 + 8 * len(name) + 22


def _bars(panel, top, styles):
    largest = highest(panel.series, panel.cut)
    step, digits = tick_step(largest)
    most = step * (int(largest / step) + 1)
    scale = BARS_HEIGHT / most
    bottom = top + BARS_HEIGHT
    yield _text(EDGE, top - 40, panel.title, weight="bold")
    for i in range(int(largest / step) + 2):
        y = bottom - i * step * scale
        yield _line(MARGIN, WIDTH - EDGE, y, y, GRID)
        yield _text(MARGIN - 6, y + 4, short_number(i * step, digits), anchor="end", fill=PALE)
    slot = (WIDTH - EDGE - MARGIN) / len(panel.groups)
    width = min(slot * 0.84 / len(panel.series), 60)
    for group, label in enumerate(panel.groups):
        middle = MARGIN + (group + 0.5) * slot
        yield _text(middle, bottom + 17, label, anchor="middle")
        left = middle - width * len(panel.series) / 2
        for i, (name, values) in enumerate(panel.series.items()):
            if values[group]:
                yield from _bar(left + i * width, width, bottom, scale, most, values[group],
                                styles[name][0], panel.digits)


def _bar(x, width, bottom, scale, most, value, colour, digits):
    middle, low, high = (min(one, most) * scale for one in value)
    centre = x + width / 2
    yield (f'<rect x="{x + 1:.1f}" y="{bottom - middle:.1f}" width="{max(width - 2, 1):.1f}" '
           f'height="{middle:.1f}" fill="{colour}"/>')
    if value[0] > most:
        yield _line(x, x + width, bottom - middle + 14, bottom - middle + 8, GROUND, 3)
    if high > low:
        yield _line(centre, centre, bottom - low, bottom - high, INK)
    text = f"{value[0]:,.{digits}f}" if value[0] < 10000 else f"{value[0] / 1000:,.1f}k"
    y = bottom - high - 4
    if len(text) * 6.2 <= width + 4:
        yield _text(centre, y, text, anchor="middle", size=10)
    else:
        yield (f'<text x="{centre + 4:.1f}" y="{y:.1f}" font-size="10" '
               f'transform="rotate(-90 {centre + 4:.1f} {y:.1f})">{text}</text>')


def _row(row, top, styles):
    yield _text(EDGE, top - 24, row.title, weight="bold")
    slot = (WIDTH - EDGE) / len(row.charts)
    for i, chart in enumerate(row.charts):
        left = i * slot + MARGIN - 6
        yield from _small_chart(chart, left, top + 12, (i + 1) * slot - left, styles, row.x_label)


def _small_chart(chart, left, top, width, styles, x_label):
    bottom = top + LINES_HEIGHT
    yield _text(left - 40, top - 12, chart.title, fill=PALE)
    bars = [bar for values in chart.series.values() for bar in values if bar]
    if not bars:
        yield _text(left + width / 2, top + LINES_HEIGHT / 2, "no figures", anchor="middle", fill=PALE)
        return
    axis = _Logarithmic(bars) if chart.logarithmic else _Linear(highest(chart.series, chart.cut))
    for value, label in axis.ticks():
        y = bottom - axis.share(value) * LINES_HEIGHT
        yield _line(left, left + width, y, y, GRID)
        yield _text(left - 5, y + 4, label, anchor="end", fill=PALE, size=11)
    step = width / len(chart.ticks)
    for i, label in enumerate(chart.ticks):
        yield _text(left + (i + 0.5) * step, bottom + 16, label, anchor="middle", size=11)
    yield _text(left + width / 2, bottom + 32, x_label, anchor="middle", fill=PALE, size=11)
    for name, values in chart.series.items():
        style = styles.get(name, (INK, "circle"))
        points = []
        for i, bar in enumerate(values):
            x = left + (i + 0.5) * step
            if bar and axis.share(bar[0]) > 1:  # no line leads to what is cut off
                yield _mark(style[1], x - 4, top + 8, style[0], 4)
                yield _text(x + 4, top + 12, f"{bar[0]:,.0f} ↑", size=10)
            elif bar:
                points.append((x, *(bottom - min(axis.share(one), 1) * LINES_HEIGHT for one in bar)))
        yield from _curve(points, *style)


def _curve(points, colour, mark):
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y, _, _ in points)
    yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
    for x, y, low, high in points:
        if low > high:
            yield _line(x, x, low, high, colour)
        yield _mark(mark, x, y, colour, 4)


class _Linear:
    def __init__(self, largest):
        self.step, self.digits = tick_step(largest)
        self.count = int(largest / self.step) + 1

    def share(self, value):
        return value / (self.step * self.count)

    def ticks(self):
        return [(i * self.step, short_number(i * self.step, self.digits)) for i in range(self.count + 1)]


class _Logarithmic:
    def __init__(self, bars):
        values = [value for bar in bars for value in bar if value > 0] or [1]
        self.low, self.high = floor(log10(min(values))), ceil(log10(max(values)))
        self.high = max(self.high, self.low + 1)

    def share(self, value):
        return (log10(max(value, 10 ** self.low)) - self.low) / (self.high - self.low)

    def ticks(self):
        return [(10 ** i, short_number(10 ** i, max(-i, 0))) for i in range(self.low, self.high + 1)]


def _mark(mark, x, y, colour, r):
    if mark in ("square", "box"):
        return f'<rect x="{x - r:.1f}" y="{y - r:.1f}" width="{2 * r}" height="{2 * r}" fill="{colour}"/>'
    shapes = {"diamond": [(0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)],
              "up": [(0, -1.2), (1.2, 1), (-1.2, 1)], "down": [(0, 1.2), (1.2, -1), (-1.2, -1)],
              "cross": [(-1.2, -0.4), (-0.4, -0.4), (-0.4, -1.2), (0.4, -1.2), (0.4, -0.4), (1.2, -0.4),
                        (1.2, 0.4), (0.4, 0.4), (0.4, 1.2), (-0.4, 1.2), (-0.4, 0.4), (-1.2, 0.4)]}
    if mark in shapes:
        corners = " ".join(f"{x + a * r:.1f},{y + b * r:.1f}" for a, b in shapes[mark])
        return f'<polygon points="{corners}" fill="{colour}"/>'
    if mark == "ring":
        return (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r - 0.5}" fill="none" stroke="{colour}" '
                'stroke-width="2"/>')
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r}" fill="{colour}"/>'


def highest(series, cut):
    """What the axis must reach: the largest figure, or with CUT the largest of the programs that are not
    far above the others."""
    tops = {name: max(bar[2] for bar in values if bar) for name, values in series.items() if any(values)}
    if not cut:
        return max(tops.values())
    usual = 2.5 * median(tops.values())
    kept = [top for top in tops.values() if top <= usual]
    return max(kept) if len(kept) > 2 else max(tops.values())


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


def short_number(value, digits=0):
    for unit, letter in ((1e6, "M"), (1e4, "k")):
        if value >= unit:
            return f"{value / (1e3 if letter == 'k' else unit):,.10g}{letter}"
    return f"{value:,.{digits}f}"


def _line(x1, x2, y1, y2, colour, width=1):
    return (f'<line x1="{x1:.1f}" x2="{x2:.1f}" y1="{y1:.1f}" y2="{y2:.1f}" stroke="{colour}" '
            f'stroke-width="{width}"/>')


def _text(x, y, text, *, anchor="start", size=None, weight=None, fill=None):
    extra = "".join(f' {name}="{value}"' for name, value in
                    (("font-size", size), ("font-weight", weight), ("fill", fill)) if value)
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{extra}>{escape(text)}</text>'
