"""What the reader of a verdict must know before believing it, in words."""

from collections.abc import Iterator

from roarbench.reports.page.judged import Judged
from roarbench.reports.rows.settings import protocol
from roarbench.reports.rows.style import FLAG, listed, percent, repeated

FEW = 6
"""As many names are written out in a sentence."""

SIDES = {"morf": ("worse", "better"), "lerf": ("better", "worse")}
"""What a leak can feign, and what it cannot, by what is removed first: it can only raise accuracy."""

FEW_SEEDS = 5
WEAK = (
    "{seeds}: tests assume that differences between seeds are normal. Their variances are estimated together, over all "
    "pairs of explainers."
)
EVALUATOR = (
    "The shared evaluator has seen random masks alone, so it reads none. Masks of a kind that it never saw may "
    "still mislead it. On intact images it reaches {own:.1f} %, the original networks {intact:.1f} %."
)
FOREIGN = (
    "These networks learned behind masks of other images, so they read none. Neither can they adapt to how masks and "
    "images of an explainer go together."
)
NOT_RETRAINED = "Not retrained: reduced images are unlike training images, and accuracy may fall for that reason alone."
UNMEASURED = "Masks alone were not measured: it is open whether label leakage changes the curves."
LEAKING = (
    "{flag} Label leakage: the masks of {some} of {all} explainers reveal the class (up to {most} % with {name}; "
    "chance {chance:.1f} %, intact images {intact:.1f} %). A readable mask can only raise accuracy. {doubt}"
)
UNSETTLED = "Not settled: whether the masks of {some} of {all} explainers reveal the class ({names})."
CLEAR = (
    "Masks alone do not reveal the class at the measured t ({fractions}): the intervals of all {all} explainers lie "
    "below {limit:.1f} %. That limit is chance plus a tenth of what intact images reach beyond it."
)


def cautions(judged: Judged) -> list[str]:
    """All cautions, the gravest first."""
    return [*_masks(judged), *_weak(judged), *_fewer(judged), *_gaps(judged)]


def named(judged: Judged, explainers: list[str]) -> str:
    """Some explainers in a sentence; their number where they are many."""
    return listed(judged.named(explainers)) if len(explainers) <= FEW else f"{len(explainers)} explainers"


def _masks(judged: Judged) -> Iterator[str]:
    """What masks alone reveal, where networks are retrained."""
    if judged.rows.probe.iloc[0] == "evaluator":
        yield _unseen(judged)
    elif judged.rows.probe.iloc[0] == "foreign":
        yield FOREIGN
    elif not judged.rows.retrain.iloc[0]:
        yield NOT_RETRAINED
    elif not judged.leaks:
        yield UNMEASURED
    else:
        yield from _leaks(judged)


def _unseen(judged: Judged) -> str:
    """What a shared evaluator is good for, beside the original networks."""
    intact = judged.rows[judged.rows.removal_fraction == 0].drop_duplicates("seed")
    return EVALUATOR.format(own=100 * intact.test_accuracy.mean(), intact=100 * judged.scale.intact)


def _leaks(judged: Judged) -> Iterator[str]:
    readable, open_ = judged.of_state("readable"), judged.of_state("open")
    if readable:
        most = max(readable, key=lambda e: judged.leaks[e].accuracy.mean)
        yield LEAKING.format(
            flag=FLAG, some=len(readable), all=len(judged.leaks), most=_accuracy(judged, most), name=judged.names[most],
            chance=100 * judged.scale.chance, intact=100 * judged.scale.intact, doubt=_doubt(judged),
        )  # fmt: skip
    if open_:
        few = [f"{judged.names[e]} {_accuracy(judged, e)} %" for e in open_]
        names = listed(few) if len(few) <= FEW else f"{', '.join(few[:FEW])}, ..."
        yield UNSETTLED.format(some=len(open_), all=len(judged.leaks), names=names)
    if not readable and not open_:
        fractions = ", ".join(f"{t:.10g}" for t in judged.mask_fractions)
        yield CLEAR.format(fractions=fractions, all=len(judged.leaks), limit=100 * judged.scale.limit)


def _doubt(judged: Judged) -> str:
    """Which conclusions a leak can feign, and which not, with the explainers concerned."""
    feigned, sound = SIDES[judged.order]
    sides = {"better": judged.better, "worse": judged.worse}
    hidden, leaking = judged.leaking(judged.undecided), judged.of_state("readable")
    doubts = [f'"{feigned} than {judged.random}" ({named(judged, e)})' for e in [judged.leaking(sides[feigned])] if e]
    doubts += [f'"no significant difference" ({named(judged, hidden)})'] if hidden else []
    doubts += ["the order among leaking explainers"] if len(leaking) > 1 else []
    safe = judged.leaking(sides[sound])
    stands = f'"{sound} than {judged.random}" ({named(judged, safe)})' if safe else ""
    under = f"Under {protocol(judged.rows, judged.order)} that casts"
    if not doubts:
        return f"{under} no doubt on {stands}." if stands else ""
    return f"{under} doubt on {listed(doubts)}" + (f", not on {stands}." if stands else ".")


def _accuracy(judged: Judged, explainer: str) -> str:
    accuracy = judged.leaks[explainer].accuracy
    return percent(accuracy, accuracy.n)


def _weak(judged: Judged) -> Iterator[str]:
    n = max((test.n for test in judged.gains.values()), default=0)
    if judged.tested and 1 < n <= FEW_SEEDS:
        yield WEAK.format(seeds=repeated(n, "seed"))


def _fewer(judged: Judged) -> Iterator[str]:
    """Explainers with fewer whole curves than seeds were planned for them."""
    planned = judged.rows.groupby("explainer").seed.nunique()
    fewer = [
        f"{judged.names[e]} ({judged.gains[e].n} of {planned[e]})"
        for e in judged.tested if judged.gains[e].n < planned[e]
    ]  # fmt: skip
    if fewer:
        yield f"Fewer seeds than planned: {listed(fewer)}."


def _gaps(judged: Judged) -> Iterator[str]:
    """What was not measured, and how often."""
    rows = judged.rows
    inner = rows[(rows.removal_fraction > 0) & (rows.removal_fraction < 1)]
    for status, words in (("failed", "failed"), ("skipped", "skipped"), ("to do", "still to do")):
        missing = inner[inner.status == status]
        if len(missing):
            whose = named(judged, [*dict.fromkeys(missing.explainer)])
            yield f"{repeated(len(missing), 'cell')} {words}: {whose}."
