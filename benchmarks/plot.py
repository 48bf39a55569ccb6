"""A plot of curves in SVG, both axes logarithmic, without a library."""

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from benchmarks.workloads.curves import Curve

_WIDTH, _HEIGHT = 460, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 40, 44
_LEGEND_LINE = 20
_COLOURS = ("#888888", "#d62728", "#1f77b4", "#17becf", "#2ca02c", "#98b74a", "#9467bd", "#8c564b")
_UNITS = ((1e6, "s"), (1e3, "ms"), (1, "µs"))


def draw(panels: Mapping[str, Sequence[Curve]]) -> str:
    """Return panels side by side, with one legend below."""
    names = list(dict.fromkeys(curve.system for curves in panels.values() for curve in curves))
    colours = {name: _COLOURS[place % len(_COLOURS)] for place, name in enumerate(names)}
    width = _WIDTH * len(panels)
    height = _HEIGHT + _LEGEND_LINE * ((len(names) + 1) // 2) + 16
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for place, (title, curves) in enumerate(panels.items()):
        drawn += [f'<g transform="translate({place * _WIDTH} 0)">', *_panel(title, curves, colours), "</g>"]
    for place, name in enumerate(names):
        x, y = _LEFT + place % 2 * _WIDTH, _HEIGHT + 16 + place // 2 * _LEGEND_LINE
        drawn.append(f'<line x1="{x}" y1="{y}" x2="{x + 24}" y2="{y}" stroke="{colours[name]}" stroke-width="3"/>')
        drawn.append(f'<text x="{x + 32}" y="{y + 4}">{escape(name)}</text>')
    return "\n".join([*drawn, "</svg>", ""])


def _panel(title: str, curves: Sequence[Curve], colours: Mapping[str, str]) -> Iterable[str]:
    points = [point for curve in curves for point in curve.points]
    xs, ys = _decades(x for x, _ in points), _decades(y for _, y in points)

    def place(x: float, y: float) -> tuple[float, float]:
        across = (math.log10(x) - xs[0]) / (xs[-1] - xs[0])
        up = (math.log10(max(y, 1e-9)) - ys[0]) / (ys[-1] - ys[0])
        bottom = _HEIGHT - _BOTTOM
        return round(_LEFT + across * (_WIDTH - _LEFT - _RIGHT), 1), round(bottom - up * (bottom - _TOP), 1)

    yield f'<text x="{_WIDTH / 2}" y="20" text-anchor="middle" font-weight="bold">{escape(title)}</text>'
    yield f'<text x="{_WIDTH / 2}" y="{_HEIGHT - 8}" text-anchor="middle">messages in the conversation</text>'
    for exponent in xs:
        x, y = place(10**exponent, 10 ** ys[0])
        yield f'<line x1="{x}" y1="{_TOP}" x2="{x}" y2="{y}" stroke="#dddddd"/>'
        yield f'<text x="{x}" y="{y + 16}" text-anchor="middle">{10**exponent:,}</text>'
    for exponent in ys:
        x, y = place(10 ** xs[0], 10**exponent)
        yield f'<line x1="{x}" y1="{y}" x2="{_WIDTH - _RIGHT}" y2="{y}" stroke="#dddddd"/>'
        yield f'<text x="{x - 6}" y="{y + 4}" text-anchor="end">{_time(10**exponent)}</text>'
    for curve in curves:
        line = " ".join(f"{x},{y}" for x, y in (place(*point) for point in curve.points))
        colour, weight = colours[curve.system], 3 if curve.system == "tract" else 1.5
        yield f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="{weight}"/>'


def _decades(values: Iterable[float]) -> list[int]:
    """Return the powers of ten from the one below all values to the one above."""
    found = [max(value, 1e-9) for value in values]
    low, high = math.floor(math.log10(min(found))), math.ceil(math.log10(max(found)))
    return list(range(low, max(high, low + 1) + 1))


def _time(microseconds: float) -> str:
    unit, name = next(((unit, name) for unit, name in _UNITS if microseconds >= unit), _UNITS[-1])
    return f"{microseconds / unit:g} {name}"
