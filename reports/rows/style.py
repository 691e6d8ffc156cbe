"""How things are called: display labels, families and the format of numbers, for tables and plots alike."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from roarbench.benchmark.matrix.described import measure
from roarbench.benchmark.matrix.notation import parse
from roarbench.benchmark.results.statistics import Summary

if TYPE_CHECKING:  # it brings scipy, and status shall answer at once
    from roarbench.reports.statistics.groups import Better

ENSEMBLES = {"squared": "SQ", "smoothgrad": "SG", "smoothgrad_squared": "SG-SQ", "vargrad": "VAR"}
INSTRUMENTS = {
    "blurred": "{base}, blurred",
    "max_filtered": "{base}, max-filtered",
    "random_class": "{base} of a random class",
    "randomized": "{base}, random weights",
    "degraded": "{base}, {noise} % noise",
}
DEFAULT_BASE = "gradient"
"""Of ensembles and instruments."""
DEFAULT_NOISE = "0.4"
"""Of `degraded`, whose label names it also where it is not written."""
EXPLAINERS = {
    "random": "Random",
    "random_per_epoch": "Random, every epoch",
    "sobel": "Sobel",
    "center": "Center",
    "deviation": "Deviation",
    "truth": "Truth",
    "leaky_truth": "Leaky truth",
    "truth[shared=true]": "Truth, one order",
    "truth[inverted=true]": "Inverted truth",
    "truth[inverted=true,shared=true]": "Inverted truth, one order",
    "random[shared=true]": "Random, one order",
    "gradient": "GRAD",
    "guided_backprop": "GB",
    "integrated_gradients": "IG",
    "input_x_gradient": "Input x GRAD",
    "deconvolution": "Deconvolution",
    "deep_lift": "DeepLIFT",
    "lrp": "LRP",
    "grad_cam": "Grad-CAM",
    "guided_grad_cam": "Guided Grad-CAM",
    "gradient_shap": "GradientSHAP",
    "expected_gradients": "Expected gradients",
    "guided_ig": "Guided IG",
    "full_grad": "FullGrad",
    "rise": "RISE",
    "captum": "Captum",
    "attention_rollout": "Attention rollout",
    "gradient_x_attention": "Gradient x attention",
    "stored": "Stored",
    "occlusion": "Occlusion",
    "lime": "LIME",
    "kernel_shap": "KernelSHAP",
    "hide_and_seek": "HnS",
    "senn": "SENN",
    "disenn": "DiSENN",
    "cladec": "ClaDec",
}
FAMILIES = {
    "Controls": ("random", "random_per_epoch", "sobel", "center", "deviation", "truth", "leaky_truth"),
    "Base": ("gradient", "guided_backprop", "integrated_gradients", "input_x_gradient"),
    "Squared (SQ)": ("squared",),
    "SmoothGrad (SG)": ("smoothgrad",),
    "SmoothGrad-Squared (SG-SQ)": ("smoothgrad_squared",),
    "VarGrad (VAR)": ("vargrad",),
    "Self-explaining": ("hide_and_seek", "senn", "disenn"),
    "Instruments": tuple(INSTRUMENTS),
}
OTHER_FAMILY = "Further methods"
ORDERS = {"morf": "ROAR", "lerf": "KAR"}
BETTER: dict[str, "Better"] = {measure(name)["order"]: measure(name)["better"] for name in ("roar", "kar")}
"""Accuracy that is better, by what is removed first."""

REFERENCE = "random"
"""The explainer that all others are compared with."""

FLAG = "⚑"
"""Marks a mask that reveals the class; `OPEN` marks one of which that is not settled."""
OPEN = "?"

CUT = "Intervals in brackets are cut at the bounds of their number; this does not change their coverage."
ROUNDING = 1e-9
"""An interval that leaves its bounds by less does so by arithmetic alone."""


_called: ContextVar[Mapping[str, str]] = ContextVar("labels", default={})  # noqa: B039  (never changed)


@contextmanager
def called(labels: Mapping[str, str]) -> Iterator[None]:
    """Within it, some explainers have labels that a reader chose: explainer as written -> label."""
    before = _called.set(labels)
    try:
        yield
    finally:
        _called.reset(before)


def label(explainer: str) -> str:
    """Display label of an explainer as written, or what a reader calls it.

    >>> label("vargrad[base=guided_backprop,samples=50]")
    'VAR-GB[samples=50]'
    >>> label("degraded[base=truth,noise=0.2]")
    'Truth, 20 % noise'
    """
    if explainer in (own := _called.get()):
        return own[explainer]
    if explainer in EXPLAINERS:
        return EXPLAINERS[explainer]
    name, parameters = parse(explainer)
    if name in ENSEMBLES:
        shown = f"{ENSEMBLES[name]}-{label(parameters.pop('base', DEFAULT_BASE))}"
    elif name in INSTRUMENTS:
        shown = _instrument(name, parameters)
    else:
        shown = EXPLAINERS.get(name, name.rpartition(":")[2])
    return shown + (f"[{','.join(f'{k}={v}' for k, v in parameters.items())}]" if parameters else "")


def _instrument(name: str, parameters: dict[str, str]) -> str:
    """Label of an instrument; takes from the parameters what the label says."""
    base = label(parameters.pop("base", DEFAULT_BASE))
    noise = float(parameters.pop("noise", DEFAULT_NOISE)) if name == "degraded" else 0.0
    return INSTRUMENTS[name].format(base=base, noise=f"{100 * noise:g}")


def labels(explainers: list[str]) -> list[str]:
    """Labels of explainers that stand in one table; in full where two would read alike."""
    shown = [label(explainer) for explainer in explainers]
    return [e if shown.count(name) > 1 else name for e, name in zip(explainers, shown, strict=True)]


def innermost(explainer: str) -> str:
    """Name of what ensembles and instruments are of in the end; of all others their own.

    >>> innermost("blurred[base=vargrad[base=guided_backprop]]"), innermost("vargrad"), innermost("lrp[epsilon=1]")
    ('guided_backprop', 'gradient', 'lrp')
    """
    name, parameters = parse(explainer)
    if "base" in parameters:
        return innermost(parameters["base"])
    return DEFAULT_BASE if name in (*ENSEMBLES, *INSTRUMENTS) else name


def family(explainer: str) -> str:
    """The panel an explainer is drawn in."""
    name, _ = parse(explainer)
    return next((family for family, names in FAMILIES.items() if name in names), OTHER_FAMILY)


@dataclass(frozen=True)
class Form:
    """How the numbers of a column are written, and between which bounds they can lie.

    >>> percent(Summary(0.9123, 0.0049, 4), 5)
    '91.2 ± 0.5 (4/5)'
    >>> percent(Summary(0.974, 0.127, 3), 3)
    '97.4 [84.7, 100.0]'
    """

    scale: float
    decimals: int
    low: float = -math.inf
    high: float = math.inf

    def __call__(self, summary: Summary, planned: int) -> str:
        """The mean with its interval, cut at the bounds, and n where it is below plan."""
        if not summary.n:
            return f"– (0/{planned})"
        text = self._number(summary.mean) + self._interval(summary)
        return text + (f" ({summary.n}/{planned})" if summary.n < planned else "")

    def cut(self, summary: Summary) -> bool:
        """Whether mean ± half-width would leave the bounds."""
        if math.isnan(summary.half_width):
            return False
        low, high = summary.within()
        return low < self.low - ROUNDING or high > self.high + ROUNDING

    def ends(self, summary: Summary) -> tuple[float, float]:
        """The ends of the interval as they are drawn, cut and in the unit of the column; without one the mean twice."""
        known = not math.isnan(summary.half_width)
        low, high = summary.within(self.low, self.high) if known else (summary.mean, summary.mean)
        return self.scale * low, self.scale * high

    def rounded(self, decimals: int) -> "Form":
        """With so many decimals where it is of accuracies in percent; numbers around 1 keep one more."""
        return replace(self, decimals=decimals + self.decimals - percent.decimals)

    def _interval(self, summary: Summary) -> str:
        if math.isnan(summary.half_width):
            return ""
        if self.cut(summary):
            low, high = summary.within(self.low, self.high)
            return f" [{self._number(low)}, {self._number(high)}]"
        return f" ± {self._number(summary.half_width)}"

    def _number(self, value: float) -> str:
        text = f"{self.scale * value:.{self.decimals}f}"
        return text if float(text) else text.removeprefix("-")


percent = Form(scale=100, decimals=1, low=0.0, high=1.0)
"""Of accuracies, in percent."""

points = Form(scale=100, decimals=1, low=-1.0, high=1.0)
"""Of differences of accuracies, in percentage points."""

share = Form(scale=1, decimals=2, low=0.0)
"""Of numbers around 1 that are never negative, such as F and FII."""

probability = Form(scale=1, decimals=2, low=0.0, high=1.0)
"""Of numbers between 0 and 1 that are not written in percent."""

signed = Form(scale=1, decimals=2, low=-1.0, high=1.0)
"""Of correlations, and of ratios of areas."""


plain = Form(scale=1, decimals=3)
"""Of numbers of which nothing is known."""


def span(counts: Iterable[int]) -> str:
    """The least and the largest of some counts.

    >>> span([3, 5, 4]), span([3, 3])
    ('3–5', '3')
    """
    ordered = sorted(counts)
    return "–".join(map(str, dict.fromkeys((ordered[0], ordered[-1]))))


def repeated(n: int, word: str) -> str:
    """A number of things.

    >>> repeated(1, "cell"), repeated(2, "pass")
    ('1 cell', '2 passes')
    """
    plural = f"{word}es" if word.endswith("s") else f"{word}s"
    return f"{n:,} {word if n == 1 else plural}"


def mean_rank(summary: Summary, planned: int) -> str:
    """A mean of ranks without its interval; one of a single rank as it is."""
    return "–" if not summary.n else f"{summary.mean:.4g}" if summary.n == 1 else f"{summary.mean:.2f}"


def at_least(difference: float) -> str:
    """A difference of accuracies in points, never as the 0.0 that would say that anything is found.

    >>> at_least(0.0123), at_least(0.0002)
    ('1.2', 'less than 0.1')
    """
    text = f"{100 * difference:.1f}"
    return "less than 0.1" if text == "0.0" else text


def listed(names: Sequence[str]) -> str:
    """Names as a list in a sentence.

    >>> listed(["A", "B", "C"])
    'A, B and C'
    """
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def p_value(p: float) -> str:
    """A p value with three decimals.

    >>> p_value(0.0001)
    '<0.001'
    """
    return "–" if math.isnan(p) else "<0.001" if p < 0.001 else f"{p:.3f}"


def p_in_words(p: float) -> str:
    """What a sentence says after the letter p.

    >>> p_in_words(0.0123), p_in_words(0.00001)
    ('= 0.012', '< 0.001')
    """
    text = p_value(p)
    return f"< {text[1:]}" if text.startswith("<") else f"= {text}"
