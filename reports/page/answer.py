"""The answer in words: what each way of measuring says of the explainers of one data set and classifier."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import pandas as pd

from benchmark.statistics import Summary, summarise
from reports.evidence import grouped, mask_accuracies, means, readable
from reports.settings import protocol, settings
from reports.statistics import LEVEL, Difference, holm, least_p
from reports.style import FLAG, family, labels, p_value, percent
from reports.summary import compare, reference_of

FEW = 6
"""As many names are written out in a sentence; `NAMED` in a headline."""

NAMED = 3

GAP = {"morf": "less", "lerf": "more"}
LEAVES = {
    "morf": "Without the pixels that it ranks first, {networks} reach {mean} % accuracy",
    "lerf": "Without the pixels that it ranks last, {networks} keep {mean} % accuracy",
}
NETWORKS = {True: "retrained networks", False: "the original networks"}


@dataclass(frozen=True)
class Verdict:
    """What one way of measuring says. Explainers by their labels, those with the largest gain over random first.

    Attributes:
        way: the way in words, such as "ROAR, retrained, fill mean".
        better: shown to do better than random, by Holm at 5 %; `alike`: not told apart from it; `worse`: shown to do
            worse.
        unjudged: without a whole curve beside random, or with a single one.
        between: whether the best is told apart from the others.
        cautions: what the reader must know before believing any of it.
    """

    way: str
    headline: str
    sentence: str
    better: list[str] = field(default_factory=list)
    alike: list[str] = field(default_factory=list)
    worse: list[str] = field(default_factory=list)
    unjudged: list[str] = field(default_factory=list)
    between: str = ""
    cautions: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Answer:
    """All that was measured of one data set and classifier; the first verdict leads."""

    dataset: str
    classifier: str
    verdicts: list[Verdict]


@dataclass(frozen=True)
class _Tests:
    """The explainers of one way against random.

    Attributes:
        masks: explainer -> accuracy of its most telling mask; empty where networks are not retrained.
        flagged: explainers whose masks tell the class, as in the tables.
    """

    rows: pd.DataFrame
    order: str
    reference: str
    names: dict[str, str]
    gains: dict[str, Difference]
    p: dict[str, float]
    masks: dict[str, Summary]
    flagged: list[str]
    chance: float

    def named(self, explainers: list[str]) -> list[str]:
        return [self.names[e] for e in explainers]

    def judged(self) -> list[str]:
        """By gain, largest first."""
        return sorted((e for e, p in self.p.items() if not math.isnan(p)), key=lambda e: -self.gains[e].mean)


def answers(joined: pd.DataFrame) -> list[Answer]:
    """An answer for every data set and classifier of which curves were planned.

    Args:
        joined: all curves of a run, from `load.curves`.
    """
    seen = joined[joined.probe == "image"]
    return [
        Answer(str(dataset), str(classifier), [_verdict(rows, order, joined) for rows, order in ways(part)])
        for (dataset, classifier), part in seen.groupby(["dataset", "classifier"], sort=False)
    ]


def way(rows: pd.DataFrame, order: str) -> str:
    """How the rows of one setting and order were measured, in few words."""
    return f"{protocol(rows, order)}, {condition(rows)}"


def condition(rows: pd.DataFrame) -> str:
    """What all explainers of a setting have in common beside data set and classifier."""
    first = rows.iloc[0]
    retrained = ("recursively " if first.recursive else "") + "retrained" if first.retrain else "not retrained"
    return f"{retrained}, fill {first.fill}"


def listed(names: list[str]) -> str:
    """Names as a list in a sentence.

    >>> listed(["A", "B", "C"])
    'A, B and C'
    """
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def ways(joined: pd.DataFrame) -> list[tuple[pd.DataFrame, str]]:
    """Rows and order of each way in which networks see images: retrained before not retrained, otherwise as planned."""
    parts = settings(joined[joined.probe == "image"])
    found = [(rows, str(order)) for part in parts for order, rows in part.groupby("order", sort=False)]
    return sorted(found, key=lambda one: (not one[0].retrain.iloc[0], bool(one[0].recursive.iloc[0])))


def _verdict(rows: pd.DataFrame, order: str, joined: pd.DataFrame) -> Verdict:
    tests = _tests(rows, order, joined)
    if not tests.reference:
        return Verdict(
            way(rows, order), "Random was not measured: nothing to compare with",
            "Whether an explainer finds more than chance is open; the tables show the accuracies alone.",
            unjudged=[*tests.names.values()], cautions=[*_masks(tests, []), *_gaps(tests)],
        )  # fmt: skip
    return _judged(tests) if tests.judged() else _unjudged(tests)


def _tests(rows: pd.DataFrame, order: str, joined: pd.DataFrame) -> _Tests:
    explainers = [str(name) for name in dict.fromkeys(rows.explainer)]
    names = dict(zip(explainers, labels(explainers), strict=True))
    reference = reference_of(rows) or ""
    gains = compare(rows, order, reference).tests if reference else {}
    p = dict(zip(gains, holm([gain.p_t for gain in gains.values()]), strict=True))
    masks = mask_accuracies(rows, joined[joined.probe == "mask"]) if rows.retrain.iloc[0] else {}
    chance = float(joined[joined.dataset == rows.dataset.iloc[0]].chance.mean())
    flagged = [e for e, mask in masks.items() if readable(mask, chance)]
    return _Tests(rows, order, reference, names, gains, p, masks, flagged, chance)


def _unjudged(tests: _Tests) -> Verdict:
    """No explainer has two seeds beside random."""
    others, random = tests.named([*tests.gains]), tests.names[tests.reference]
    if any(gain.n for gain in tests.gains.values()):
        headline = "One seed: no uncertainty, and no ranking is claimed"
        sentence = "Differences cannot be told from chance; the tables and curves show the single values."
    elif others:
        headline = "Nothing to compare yet"
        sentence = f"No explainer has a whole curve beside one of {random}."
    else:
        headline, sentence = f"Only {random} was measured", "There is no explainer to judge."
    cautions = [*_masks(tests, []), *_gaps(tests)]
    return Verdict(way(tests.rows, tests.order), headline, sentence, unjudged=others, cautions=cautions)


def _judged(tests: _Tests) -> Verdict:
    judged = tests.judged()
    told = [e for e in judged if tests.p[e] <= LEVEL]
    better, worse = ([e for e in told if sign * tests.gains[e].mean > 0] for sign in (1, -1))
    alike = [e for e in judged if e not in told]
    unjudged = [e for e in tests.gains if e not in judged]
    return Verdict(
        way(tests.rows, tests.order), _headline(tests, better), _sentence(tests, better, judged),
        tests.named(better), tests.named(alike), tests.named(worse), tests.named(unjudged),
        _between(tests, better[0]) if better else "",
        [*_masks(tests, better), *_weak(tests), *_few(tests, judged), *_gaps(tests)],
    )  # fmt: skip


def _headline(tests: _Tests, better: list[str]) -> str:
    random = tests.names[tests.reference]
    if not better:
        return f"No explainer is shown to beat {random}"
    warned = sum(e in tests.flagged for e in better)
    if len(better) == 1:
        end = ", and its mask alone tells the class" * warned
        return f"Only {_called(tests, better[0])} is shown to beat {random}{end}"
    few = f"{listed([_called(tests, e) for e in better])} are"
    many = f"{len(better)} of {len(tests.gains)} explainers are"
    end = f"; the masks of {'all' if warned == len(better) else warned} of them alone tell the class" * bool(warned)
    return f"{few if len(better) <= NAMED else many} shown to beat {random}{end}"


def _called(tests: _Tests, explainer: str) -> str:
    return tests.names[explainer] + " (a control)" * (family(explainer) == "Controls")


def _sentence(tests: _Tests, better: list[str], judged: list[str]) -> str:
    """The explainer with the largest gain, its accuracy, gain and p."""
    best = (better or judged)[0]
    name = _called(tests, best)
    gain, random = tests.gains[best], tests.names[tests.reference]
    summary = summarise(means(tests.rows)[best].values())
    networks = NETWORKS[bool(tests.rows.retrain.iloc[0])]
    leaves = LEAVES[tests.order].format(networks=networks, mean=percent(summary, summary.n))
    points = percent(Summary(abs(gain.mean), gain.half_width, gain.n), gain.n)
    p = p_value(tests.p[best])
    side = GAP[tests.order] if gain.mean > 0 else GAP["lerf" if tests.order == "morf" else "morf"]
    begin = f"{name}: " if len(better) == 1 else f"The largest gain is that of {name}: "
    tested = f"p {f'< {p[1:]}' if p.startswith('<') else f'= {p}'} by Holm over {len(judged)} explainers"
    than = f"{points} points {side} than {random} ({tested}, n = {gain.n} seeds)"
    return f"{begin}{leaves[0].lower()}{leaves[1:]}, {than}."


def _between(tests: _Tests, best: str) -> str:
    """Whether the best is told from others: a question with more pairs, and so a stricter test."""
    letters = grouped(tests.rows, tests.order).letters
    others = [e for e in letters if e not in (best, tests.reference)]
    if best not in letters or not others:
        return ""
    apart = [e for e in others if not set(letters[e]) & set(letters[best])]
    among = f" ({listed(tests.named(apart))})" if 0 < len(apart) <= FEW else ""
    return (
        f"Between explainers, by tests over all pairs, {tests.names[best]} is told apart from {len(apart) or 'none'} "
        f"of {len(others)} others{among}."
    )


def _masks(tests: _Tests, better: list[str]) -> Iterator[str]:
    """What masks alone tell, where networks are retrained."""
    if not tests.rows.retrain.iloc[0]:
        yield "Not retrained: networks meet images unlike those they learned from, and may fall for that reason alone."
    elif not tests.masks:
        yield "Masks alone were not measured: whether they tell the class, and the curves show that, is open."
    elif tests.flagged:
        most = max(tests.flagged, key=lambda e: tests.masks[e].mean)
        best = [e for e in better if e in tests.flagged]
        among = f", {listed(tests.named(best))} among them," if 0 < len(best) <= FEW else ""
        reached = percent(tests.masks[most], tests.masks[most].n)
        yield (
            f"{FLAG} Read with care: the masks of {len(tests.flagged)} of {len(tests.masks)} explainers{among} alone "
            f"tell the class (up to {reached} % with {tests.names[most]}; chance {100 * tests.chance:.1f} %). Curves "
            "of retrained networks may show that instead of what was removed."
        )
    elif not math.isnan(tests.chance):
        yield f"Masks alone do not tell the class: none of {len(tests.masks)} is 10 points better than chance."


def _weak(tests: _Tests) -> Iterator[str]:
    n = max(test.n for test in tests.gains.values())
    if least_p(n) > LEVEL:
        yield (
            f"{n} seeds: a test that supposes no distribution cannot find anything (its least p is {least_p(n):.10g}); "
            "what is said here relies on the t distribution."
        )


def _few(tests: _Tests, judged: list[str]) -> Iterator[str]:
    """Explainers with fewer whole curves than seeds were planned for them."""
    planned = tests.rows.groupby("explainer").seed.nunique()
    fewer = [f"{tests.names[e]} ({tests.gains[e].n} of {planned[e]})" for e in judged if tests.gains[e].n < planned[e]]
    if fewer:
        yield f"Fewer seeds than planned: {listed(fewer)}."


def _gaps(tests: _Tests) -> Iterator[str]:
    """What was not measured, and how often."""
    rows = tests.rows
    for status, words in (("failed", "failed"), ("skipped", "were skipped"), ("to do", "are still to do")):
        missing = rows[(rows.status == status) & (rows.removal_fraction > 0) & (rows.removal_fraction < 1)]
        if len(missing):
            whose = tests.named([*dict.fromkeys(missing.explainer)])
            told = listed(whose) if len(whose) <= FEW else f"{len(whose)} explainers"
            yield f"{len(missing)} cells {words}: {told}."
