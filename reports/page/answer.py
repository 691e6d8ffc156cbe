"""The answer in words: what each way of measuring says of the explainers of one data set and classifier."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import pandas as pd

from benchmark.statistics import Summary, summarise
from reports.evidence import grouped, mask_accuracies, means, readable
from reports.load import curves
from reports.settings import images
from reports.statistics import LEVEL, Difference, holm, least_p
from reports.style import FLAG, family, label, labels, p_value, percent
from reports.summary import compare, reference_of
from reports.tables import what

FEW = 6
"""As many names are written out in a sentence."""

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
        cautions: what the reader must know before believing it; `facts`: what else the tests say.
    """

    way: str
    headline: str
    sentence: str
    better: list[str] = field(default_factory=list)
    alike: list[str] = field(default_factory=list)
    worse: list[str] = field(default_factory=list)
    unjudged: list[str] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)
    cautions: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Answer:
    """All that was measured of one data set and classifier; the first verdict leads."""

    dataset: str
    classifier: str
    verdicts: list[Verdict]


@dataclass(frozen=True)
class _Tests:
    """The explainers of one way against random."""

    rows: pd.DataFrame
    order: str
    reference: str
    names: dict[str, str]
    gains: dict[str, Difference]
    p: dict[str, float]

    def named(self, explainers: list[str]) -> list[str]:
        return [self.names[e] for e in explainers]

    def judged(self) -> list[str]:
        """By gain, largest first."""
        return sorted((e for e, p in self.p.items() if not math.isnan(p)), key=lambda e: -self.gains[e].mean)


def answers(frame: pd.DataFrame) -> list[Answer]:
    """An answer for every data set and classifier of which curves were planned."""
    joined = curves(frame)
    seen = joined[joined.probe == "image"]
    return [
        Answer(str(dataset), str(classifier), [_verdict(rows, order, joined) for rows, order in _ways(part)])
        for (dataset, classifier), part in seen.groupby(["dataset", "classifier"], sort=False)
    ]


def way(rows: pd.DataFrame, order: str) -> str:
    """How the rows of one setting and order were measured, in few words."""
    short = what(rows, order).partition(":")[0].partition(" (")[0].removesuffix(" without retraining")
    if short == "ROAD":
        short += ", " + {"morf": "most", "lerf": "least"}[order] + " relevant first"
    return f"{short}, {condition(rows)}"


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


def _ways(part: pd.DataFrame) -> list[tuple[pd.DataFrame, str]]:
    """Retrained before not retrained, most relevant first before least, otherwise as in the matrix."""
    found = [(rows, order) for rows, order, _ in images(part)]
    return sorted(found, key=lambda one: (not one[0].retrain.iloc[0], bool(one[0].recursive.iloc[0])))


def _verdict(rows: pd.DataFrame, order: str, joined: pd.DataFrame) -> Verdict:
    reference, how = reference_of(rows), way(rows, order)
    explainers = [str(name) for name in dict.fromkeys(rows.explainer)]
    names = dict(zip(explainers, labels(explainers), strict=True))
    if reference is None:
        return Verdict(
            how, "Random was not measured: nothing to compare with",
            "Whether an explainer finds more than chance is open; the tables show the accuracies alone.",
            unjudged=[*names.values()], cautions=_cautions(rows, joined, names, []),
        )  # fmt: skip
    compared = compare(rows, order, reference)
    adjusted = dict(zip(compared.tests, holm([test.p_t for test in compared.tests.values()]), strict=True))
    tests = _Tests(rows, order, reference, names, compared.tests, adjusted)
    return _judged(tests, how, joined) if tests.judged() else _unjudged(tests, how, joined)


def _unjudged(tests: _Tests, how: str, joined: pd.DataFrame) -> Verdict:
    """No explainer has two seeds beside random."""
    others = tests.named([*tests.gains])
    seeds = max((test.n for test in tests.gains.values()), default=0)
    if seeds:
        headline, sentence = (
            "One seed: no uncertainty, and no ranking is claimed",
            "Differences cannot be told from chance; the tables and curves show the single values.",
        )
    elif others:
        headline, sentence = (
            "Nothing to compare yet",
            f"No explainer has a whole curve beside one of {tests.names[tests.reference]}.",
        )
    else:
        headline, sentence = f"Only {tests.names[tests.reference]} was measured", "There is no explainer to judge."
    cautions = [*_gaps(tests.rows, tests.names), *_cautions(tests.rows, joined, tests.names, [])]
    return Verdict(how, headline, sentence, unjudged=others, cautions=cautions)


def _judged(tests: _Tests, how: str, joined: pd.DataFrame) -> Verdict:
    judged = tests.judged()
    told = [e for e in judged if tests.p[e] <= LEVEL]
    better, worse = ([e for e in told if sign * tests.gains[e].mean > 0] for sign in (1, -1))
    alike = [e for e in judged if e not in told]
    unjudged = [e for e in tests.gains if e not in judged]
    flagged = [e for e, (_, flag, _) in _masks(tests.rows, joined).items() if flag]
    return Verdict(
        how, _headline(tests, better, flagged), _sentence(tests, better, judged),
        tests.named(better), tests.named(alike), tests.named(worse), tests.named(unjudged),
        facts=[*_facts(tests, better, alike, worse)],
        cautions=[*_cautions(tests.rows, joined, tests.names, better), *_weak(tests), *_few(tests, judged),
                  *_gaps(tests.rows, tests.names)],
    )  # fmt: skip


def _headline(tests: _Tests, better: list[str], flagged: list[str]) -> str:
    random = tests.names[tests.reference]
    if not better:
        return f"No explainer is shown to beat {random}"
    if len(better) > 1:
        warned = sum(e in flagged for e in better)
        end = f"; masks alone tell the class for {'all' if warned == len(better) else warned} of them" * bool(warned)
        return f"{len(better)} of {len(tests.gains)} explainers are shown to beat {random}{end}"
    best = tests.names[better[0]] + (", a control that knows no classifier," * (family(better[0]) == "Controls"))
    end = ", and its mask alone tells the class" * (better[0] in flagged)
    return f"Only {best} is shown to beat {random}{end}"


def _sentence(tests: _Tests, better: list[str], judged: list[str]) -> str:
    """The explainer with the largest gain, its accuracy, gain and p."""
    best = (better or judged)[0]
    gain, random = tests.gains[best], tests.names[tests.reference]
    summary = summarise(means(tests.rows)[best].values())
    networks = NETWORKS[bool(tests.rows.retrain.iloc[0])]
    leaves = LEAVES[tests.order].format(networks=networks, mean=percent(summary, summary.n))
    points = percent(Summary(abs(gain.mean), gain.half_width, gain.n), gain.n)
    p = p_value(tests.p[best])
    side = GAP[tests.order] if gain.mean > 0 else GAP["lerf" if tests.order == "morf" else "morf"]
    name = tests.names[best]
    if better:
        begin = f"{name}, by the largest gain: " if len(better) > 1 else f"{name}: "
    else:
        begin = f"The largest gain is that of {name}: "
    tested = f"p {p if p.startswith('<') else f'= {p}'} by Holm over {len(judged)} explainers, n = {gain.n} seeds"
    return f"{begin}{leaves[0].lower()}{leaves[1:]}, {points} points {side} than {random} ({tested})."


def _facts(tests: _Tests, better: list[str], alike: list[str], worse: list[str]) -> Iterator[str]:
    random = tests.names[tests.reference]
    if len(better) > 1:
        yield f"Shown to beat {random}: {listed(tests.named(better))}."
    if alike:
        yield f"Not told apart from {random}: {listed(tests.named(alike))}."
    if worse:
        yield f"Shown to do worse than {random}: {listed(tests.named(worse))}."
    if better:
        yield from _between(tests, better[0])


def _between(tests: _Tests, best: str) -> Iterator[str]:
    """Whether the best is told from others, a question with more pairs and so a stricter test."""
    letters = grouped(tests.rows, tests.order).letters
    others = [e for e in letters if e not in (best, tests.reference)]
    if best not in letters or not others:
        return
    apart = [e for e in others if not set(letters[e]) & set(letters[best])]
    among = f" ({listed(tests.named(apart))})" if 0 < len(apart) <= FEW else ""
    name = tests.names[best]
    yield (
        f"Between explainers less is certain: over all pairs, {name} is told apart from "
        f"{len(apart) or 'none'} of {len(others)} others{among}."
    )


def _cautions(rows: pd.DataFrame, joined: pd.DataFrame, names: dict[str, str], better: list[str]) -> Iterator[str]:
    """What masks alone tell, where networks are retrained."""
    if not rows.retrain.iloc[0]:
        yield "Not retrained: networks meet images unlike those they learned from, and may fall for that reason alone."
        return
    masks = _masks(rows, joined)
    flagged = [e for e, (_, flag, _) in masks.items() if flag]
    if not masks:
        yield "Masks alone were not measured: whether they tell the class, and the curves show that, is open."
    elif flagged:
        most = max(flagged, key=lambda e: masks[e][0].mean)
        best = [e for e in better if e in flagged]
        among = f", {listed([names[e] for e in best])} among them," if 0 < len(best) <= FEW else ""
        yield (
            f"{FLAG} Read with care: the masks of {len(flagged)} of {len(masks)} explainers{among} alone tell the class "
            f"(up to {percent(masks[most][0], masks[most][0].n)} % with {names[most]}; chance {100 * masks[most][2]:.1f} %). "
            "Curves of retrained networks may show that instead of what was removed."
        )
    elif any(not math.isnan(chance) for _, _, chance in masks.values()):
        yield f"Masks alone do not tell the class: none of {len(masks)} is classified 10 points better than chance."


def _masks(rows: pd.DataFrame, joined: pd.DataFrame) -> dict[str, tuple[Summary, bool, float]]:
    """Explainer -> accuracy of its most telling mask, whether that is flagged as in the tables, chance."""
    if not rows.retrain.iloc[0]:
        return {}
    chance = float(joined[joined.dataset == rows.dataset.iloc[0]].chance.mean())
    return {e: (mask, readable(mask, chance), chance) for e, mask in mask_accuracies(rows, joined).items()}


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


def _gaps(rows: pd.DataFrame, names: dict[str, str]) -> Iterator[str]:
    """What was not measured, and how often."""
    for status, words in (("failed", "failed"), ("skipped", "were skipped"), ("to do", "are still to do")):
        missing = rows[(rows.status == status) & (rows.removal_fraction > 0) & (rows.removal_fraction < 1)]
        if len(missing):
            whose = [names.get(str(e), label(str(e))) for e in dict.fromkeys(missing.explainer)]
            told = listed(whose) if len(whose) <= FEW else f"{len(whose)} explainers"
            yield f"{len(missing)} cells {words}: {told}."
