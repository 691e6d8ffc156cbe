"""The leaderboard: every explainer of every table with its place, its evidence, and the hash of what was measured."""

import json
import math
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from roarbench.benchmark.matrix.spec import digest
from roarbench.benchmark.results.statistics import Summary
from roarbench.reports.rows.load import SETTING, Run, curves
from roarbench.reports.rows.seeds import covers
from roarbench.reports.rows.settings import images, protocol, reads_masks, title
from roarbench.reports.rows.style import Form, label, p_value, percent, points
from roarbench.reports.rows.versions import recorded
from roarbench.reports.statistics.groups import groups
from roarbench.reports.tables.evidence import best_first, family, scores
from roarbench.reports.tables.masks import DOUBT, SIGNS, worst_leaks
from roarbench.reports.tables.summary import gains, reference_of
from roarbench.reports.tables.table import plain

NAME = "leaderboard"
HOW = (
    "Mean: test accuracy over 0 < t < 1 with its 95 % interval over n seeds; lower is better in ROAR, higher in KAR. "
    "Gain: difference to random, with a simultaneous interval and p, both corrected for all pairs. Places follow the "
    "means. Explainers without a common letter differ significantly; between others no difference is claimed, "
    "whatever their places. Mask: accuracy from masks alone; ⚑ label leakage, ? not settled. Specification: hash of "
    "data, classifier, recipe, explainer with parameters, fill, order and fractions, without seeds. Rows of two runs "
    "with the same hash measured the same."
)


def write_leaderboard(run: Run, out: Path) -> list[Path]:
    """Writes `leaderboard.json` and `leaderboard.md` and returns their paths."""
    boards = list(_boards(run))
    paths = [out / f"{NAME}.{suffix}" for suffix in ("json", "md")]
    paths[0].write_text(json.dumps(boards, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    paths[1].write_text("\n\n".join(["# Leaderboard", *map(_markdown, boards), HOW]) + "\n", encoding="utf-8")
    return paths


def _boards(run: Run) -> Iterator[dict]:
    """A board for every setting and order in which networks see images."""
    joined = curves(run.frame)
    hashes = _hashes(run)
    commits = recorded(run.costs, "commit")
    for rows, order, _ in images(joined):
        entries = list(_entries(rows, joined, order))
        named = tuple(rows.iloc[0][SETTING])
        for entry in entries:
            place = *named, entry["explainer"], order
            entry["specification"] = hashes[place]
        if entries:
            yield {
                "table": f"{protocol(rows, order)}. {title(rows)}",
                **_plain(rows.iloc[0][SETTING].to_dict()), "order": order,
                "better": "lower" if order == "morf" else "higher", "intervals": covers(rows), "commits": commits,
                "rows": entries,
            }  # fmt: skip


def _entries(rows: pd.DataFrame, joined: pd.DataFrame, order: str) -> Iterator[dict]:
    """The explainers with whole curves, the best first."""
    tested = family(rows)
    letters = groups(tested, highest_first=order == "lerf").letters
    masks = worst_leaks(rows, joined) if reads_masks(rows) else {}
    reference = reference_of(rows)
    tests = gains(tested, rows, order, reference) if reference else {}
    of_means = scores(rows)
    ranked = [e for e in dict.fromkeys(best_first(rows, order).explainer) if e in of_means.finite]
    for place, name in enumerate(ranked, start=1):
        accuracy, test, mask = of_means.summary(name), tests.get(name), masks.get(name)
        yield _plain(
            {
                "place": place, "explainer": name, "label": label(name), "accuracy": accuracy.mean,
                "half_width": accuracy.half_width, "n": accuracy.n, "group": letters.get(name),
                "gain": test.mean if test else None, "gain_half_width": test.half_width if test else None,
                "p": test.p if test else None, "mask_accuracy": mask.accuracy.mean if mask else None,
                "label_leakage": mask.state if mask else None,
            }
        )  # fmt: skip


def _hashes(run: Run) -> dict[tuple[object, ...], str]:
    """(setting, explainer, order) -> hash of the cells of that curve, whatever their seeds."""
    reduced = run.frame.assign(protocol=run.protocols)[run.frame.explainer.notna()]
    groups = reduced.groupby([*SETTING, "explainer", "order"], sort=False, dropna=False).protocol
    return {tuple(named): digest(sorted(set(of_one))) for named, of_one in groups}


def _markdown(board: dict) -> str:
    """A board as a table under its title."""
    lines = [
        {
            "place": str(entry["place"]),
            "explainer": plain(entry["label"]),
            "accuracy": _written(percent, entry["accuracy"], entry["half_width"]),
            "n": str(entry["n"]),
            "group": entry["group"] or "–",
            "gain": _written(points, entry["gain"], entry["gain_half_width"]),
            "p": p_value(math.nan if entry["p"] is None else entry["p"]),
            "mask": _written(percent, entry["mask_accuracy"], None) + SIGNS.get(entry["label_leakage"], ""),
            "specification": f"`{entry['specification']}`",
        }
        for entry in board["rows"]
    ]
    table = pd.DataFrame(lines).to_markdown(index=False, disable_numparse=True)
    doubt = DOUBT[board["order"]] if any(e["label_leakage"] == "readable" for e in board["rows"]) else ""
    commits = f"Commits: {', '.join(board['commits']) or 'unknown'}."
    below = " ".join(filter(None, (board["intervals"], doubt, commits)))
    return f"## {board['table']}\n\n{table}\n\n{below}"


def _written(form: Form, mean: float | None, half_width: float | None) -> str:
    half_width = math.nan if half_width is None else half_width
    return "–" if mean is None else form(Summary(mean, half_width, n=1), planned=1)


def _plain(values: dict) -> dict:
    """JSON has no NaN and no numbers of numpy's."""
    values = {name: value.item() if hasattr(value, "item") else value for name, value in values.items()}
    return {name: None if isinstance(v, float) and math.isnan(v) else v for name, v in values.items()}
