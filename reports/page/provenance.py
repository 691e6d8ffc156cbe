"""Where the numbers of a page come from: the matrix as it would be written, code, machines, hours."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping

import pandas as pd

FACTS = {
    "commit": "Commit", "device": "Device", "hardware": "Hardware", "system": "System", "python": "Python",
    "torch": "torch", "torchvision": "torchvision", "captum": "captum", "numpy": "numpy", "scipy": "scipy",
    "scikit-learn": "scikit-learn",
}  # fmt: skip
"""Columns of the costs, and how they are called."""


def toml(matrix: Mapping[str, object]) -> str:
    """A matrix as TOML, in which what is not given stands as a comment.

    >>> print(toml({"seeds": 3, "unit": None, "recipe": {"epochs": 5}}))
    seeds = 3
    # unit: not given
    <BLANKLINE>
    [recipe]
    epochs = 5
    """
    sections = {name: part for name, part in matrix.items() if isinstance(part, Mapping)}
    lines = [_line(name, value) for name, value in matrix.items() if name not in sections]
    for name, part in sections.items():
        lines += ["", f"[{name}]", *(_line(str(key), value) for key, value in part.items())]
    return "\n".join(lines)


def specification(matrix: Mapping[str, object]) -> str:
    """16 hexadecimal digits of the SHA-256 of a matrix: equal for equal matrices."""
    return hashlib.sha256(json.dumps(matrix, sort_keys=True).encode()).hexdigest()[:16]


def extents(cards: Mapping[str, Mapping[str, str]]) -> list[tuple[str, str]]:
    """Every data set as written, and what it is: its title, examples, classes and licence."""
    return [(name, f"{card['title']}: {card['extent']}. Licence: {card['licence']}.") for name, card in cards.items()]


def facts(costs: pd.DataFrame) -> list[tuple[str, str]]:
    """Every fact that is stored with the cells, and for how many cells it holds where there are several."""
    pairs = [(shown, _values(costs[column])) for column, shown in FACTS.items() if column in costs]
    if len(costs):
        pairs.append(("Cells", f"{len(costs)} in {duration(float(costs.seconds.sum()))} of work"))
    if "finished" in costs and costs.finished.notna().any():
        times = sorted(costs.finished.dropna().astype(str))
        pairs.append(("Finished", " to ".join(dict.fromkeys((times[0], times[-1])))))
    return [(name, value) for name, value in pairs if value]


def duration(seconds: float) -> str:
    """Seconds in words.

    >>> duration(7380)
    '2 h 3 min'
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _values(column: pd.Series) -> str:
    counts = Counter(map(str, column.dropna()))
    return "; ".join(value if len(counts) == 1 else f"{value} ({n} cells)" for value, n in counts.items())


def _line(name: str, value: object) -> str:
    return f"# {name}: not given" if value is None else f"{name} = {_value(value)}"


def _value(value: object) -> str:
    if isinstance(value, list | tuple):
        inside = [_value(one) for one in value]
        flat = f"[{', '.join(inside)}]"
        return flat if len(flat) < 90 else "[\n" + "".join(f"    {one},\n" for one in inside) + "]"
    return json.dumps(value, ensure_ascii=False)
