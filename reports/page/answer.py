"""The answer in words: what each way of measuring says of the explainers of one data set and classifier."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from roarbench.reports.page.cautions import FEW, cautions
from roarbench.reports.page.judged import Judged, way
from roarbench.reports.rows.focus import Focus
from roarbench.reports.rows.seeds import repeats
from roarbench.reports.rows.settings import protocol
from roarbench.reports.rows.style import FLAG, family, label, listed, p_in_words, percent, points, repeated
from roarbench.reports.statistics.family import LEAST_SEEDS
from roarbench.reports.tables.baseline import Against, against
from roarbench.reports.tables.evidence import detectable, scores

VERDICTS = ("better", "equivalent", "open", "worse", "untested")
AGREEING = 2
"""Ways of measuring from which on they can disagree."""
NAMED = 3
"""As many names are written out in a headline."""

GAP = {"morf": "less", "lerf": "more"}
LEAVES = {
    "morf": "Without the features that {who} ranks first, {networks} reach{s} {mean} % accuracy",
    "lerf": "Without the features that {who} ranks last, {networks} keep{s} {mean} % accuracy",
}
EVALUATOR = "the shared evaluator"
NETWORKS = {"evaluator": EVALUATOR, "foreign": "networks retrained behind masks of other images"}


@dataclass(frozen=True)
class Verdict:
    """What one way of measuring says. Explainers by their labels, those with the largest gain over random first.

    Attributes:
        way: the way in words, such as "ROAR, retrained, fill mean".
        better, worse: significantly so than random, at 5 % in the family of all pairs.
        undecided: without a significant difference, each with its gain in points and the interval of that.
            In all three a flag behind those whose place label leakage can feign.
        unjudged: without a whole curve beside random, or with a single one.
        between: whether the best differs significantly from the others.
        cautions: what the reader must know before believing any of it.
        against: a sentence for each explainer that stands out, beside the baseline.
    """

    way: str
    headline: str
    sentence: str
    better: list[str] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)
    worse: list[str] = field(default_factory=list)
    unjudged: list[str] = field(default_factory=list)
    between: str = ""
    cautions: list[str] = field(default_factory=list)
    against: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Answer:
    """All that was measured of one data set and classifier; the first verdict leads."""

    dataset: str
    classifier: str
    verdicts: list[Verdict]


def answers(judged: Sequence[Sequence[Judged]], focus: Focus = Focus()) -> list[Answer]:
    """An answer for every data set and classifier.

    Args:
        judged: from `judged_by_network`.
        focus: the baseline, and the explainers that stand out.
    """
    firsts = [ways[0].rows.iloc[0] for ways in judged]
    return [
        Answer(str(first.dataset), str(first.classifier), _verdicts(ways, focus))
        for first, ways in zip(firsts, judged, strict=True)
    ]


def _verdicts(ways: Sequence[Judged], focus: Focus) -> list[Verdict]:
    """A verdict for each way of measuring; the first also says whether the others agree about what stands out."""
    first, *others = [_verdict(one, focus) for one in ways]
    return [replace(first, against=[*first.against, *over_ways(ways, focus)]), *others]


def over_ways(ways: Sequence[Judged], focus: Focus) -> list[str]:
    """Of each explainer that stands out, under how many ways of measuring it is better than the baseline, or worse."""
    if focus.baseline is None or len(ways) < AGREEING:
        return []
    compared = [(one, against(one.rows, one.order, focus)) for one in ways]
    return [_over(e, [(one, c) for one, c in compared if c and e in c.differences]) for e in focus.highlight]


def _over(explainer: str, compared: Sequence[tuple[Judged, Against]]) -> str:
    by: dict[str, list[str]] = {}
    for judged, beside in compared:
        by.setdefault(beside.verdict(explainer), []).append(protocol(judged.rows, judged.order))
    counts = ", ".join(f"{verdict} under {len(by[verdict])}" for verdict in VERDICTS if verdict in by)
    worse = by.get("worse", [])
    against_it = f" Worse: {'; '.join(worse)}." if 0 < len(worse) <= NAMED else ""
    name, baseline = label(explainer), label(compared[0][1].baseline) if compared else ""
    return f"{name} against {baseline} over {repeated(len(compared), 'way')} of measuring: {counts}.{against_it}"


def _verdict(judged: Judged, focus: Focus) -> Verdict:
    headline, sentence = _said(judged)
    untested = judged.untested if judged.reference else [*judged.names]
    flags = dict.fromkeys(judged.doubtful, f" {FLAG}")
    better, worse = ([judged.names[e] + flags.get(e, "") for e in of] for of in (judged.better, judged.worse))
    undecided = [f"{judged.names[e]} ({_points(judged, e)}){flags.get(e, '')}" for e in judged.undecided]
    return Verdict(
        way(judged.rows, judged.order), headline, sentence, better, undecided, worse, judged.named(untested),
        " ".join(_between(judged)), cautions(judged), _against(judged, focus),
    )  # fmt: skip


def _against(judged: Judged, focus: Focus) -> list[str]:
    compared = against(judged.rows, judged.order, focus)
    chosen = [e for e in focus.highlight if compared and e in compared.differences]
    return [compared.sentence(e, judged.rows) for e in chosen] if compared else []


def _said(judged: Judged) -> tuple[str, str]:
    """Headline and sentence."""
    if not judged.reference:
        return (
            "Random was not measured: nothing to compare with",
            "Whether an explainer finds more than chance is open; the tables show the accuracies alone.",
        )
    if judged.tested:
        return _headline(judged), _sentence(judged)
    n = max((gain.n for gain in judged.gains.values()), default=0)
    if n:
        return (
            f"{repeated(n, 'seed')}: no ranking is claimed",
            f"A test takes at least {LEAST_SEEDS} seeds that do not agree exactly; tables and curves show the means.",
        )
    if judged.gains:
        return "Nothing to compare yet", f"No explainer has a whole curve beside one of {judged.random}."
    return f"Only {judged.random} was measured", "There is no explainer to judge."


def _headline(judged: Judged) -> str:
    better, random = judged.better, judged.random
    if not better:
        hidden = judged.leaking(judged.tested) if judged.order == "morf" else []
        leak = f"; label leakage may hide gains of {_whose(judged, hidden)}" if hidden else ""
        return f"No explainer is significantly better than {random}{leak}"
    feigned = judged.leaking(better) if judged.order == "lerf" else []
    if len(better) == 1:
        end = ", and label leakage of its mask may explain that" * bool(feigned)
        return f"Only {_called(judged, better[0])} is significantly better than {random}{end}"
    few = f"{listed([_called(judged, e) for e in better])} are"
    many = f"{len(better)} of {len(judged.tested)} explainers are"
    whose = "all of them" if feigned == better else _whose(judged, feigned)
    end = f"; label leakage may explain that of {whose}" * bool(feigned)
    return f"{few if len(better) <= NAMED else many} significantly better than {random}{end}"


def _whose(judged: Judged, explainers: list[str]) -> str:
    return listed(judged.named(explainers)) if len(explainers) <= NAMED else f"{len(explainers)} explainers"


def _called(judged: Judged, explainer: str) -> str:
    return judged.names[explainer] + " (a control)" * (family(explainer) == "Controls")


def _sentence(judged: Judged) -> str:
    """The explainer with the largest gain, or the largest that is significant: its accuracy, gain and p."""
    best = (judged.better or judged.tested)[0]
    summary = scores(judged.rows).summary(best)
    first = judged.rows.iloc[0]
    networks = NETWORKS.get(first.probe, "retrained networks" if first.retrain else "the original networks")
    begin, s = _begin(judged, best), ("es" if judged.order == "morf" else "s") * (networks == EVALUATOR)
    leaves = LEAVES[judged.order].format(
        who="it" if begin else _called(judged, best), networks=networks, s=s, mean=percent(summary, summary.n)
    )
    tested = f"p {p_in_words(judged.gains[best].p)}"
    than = f"{_gap(judged, best)} than {judged.random} ({tested}, {repeats(judged.rows, judged.gains[best].n)})"
    return f"{begin}{leaves}, {than}."


def _begin(judged: Judged, best: str) -> str:
    """A sentence that names the explainer: no loss is called a gain, and no gain the largest that is not."""
    name, mean = _called(judged, best), judged.gains[best].mean
    largest = max(gain.mean for gain in judged.gains.values() if gain.n)
    tested = " of those tested" if mean < largest else ""
    if mean <= 0:
        return f"None{tested} gains over {judged.random}; the smallest loss is that of {name}. "
    if not judged.better:
        return f"The largest gain{tested}, which is not significant, is that of {name}. "
    if mean < largest:
        return f"The largest significant gain is that of {name}. "
    return "" if len(judged.better) == 1 else f"The largest gain is that of {name}. "


def _gap(judged: Judged, explainer: str) -> str:
    """By how much its accuracy is less or more than that of random."""
    gain = judged.gains[explainer]
    size = points(replace(gain.summary, mean=abs(gain.mean)), gain.n)
    side = GAP[judged.order] if gain.mean > 0 else GAP["lerf" if judged.order == "morf" else "morf"]
    return f"{size} points {side}"


def _points(judged: Judged, explainer: str) -> str:
    gain = judged.gains[explainer]
    return points(gain.summary, gain.n)


def _between(judged: Judged) -> Iterator[str]:
    """Whether the best differs from others."""
    best = next(iter(judged.better), "")
    others = [e for e in judged.tested if e != best]
    if best and others:
        apart = [e for e in others if judged.family.differ(best, e)]
        among = f" ({listed(judged.named(apart))})" if 0 < len(apart) <= FEW else ""
        of = repeated(len(others), "other explainer")
        yield f"Of {of}, {judged.names[best]} differs significantly from {len(apart) or 'none'}{among}."
    yield from detectable(judged.family)
