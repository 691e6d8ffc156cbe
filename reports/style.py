"""How things are called: display labels, families and the format of numbers, for tables and plots alike."""

import math
from dataclasses import dataclass, replace

from benchmark.notation import parse
from benchmark.statistics import Summary
from reports.groups import Better

ENSEMBLES = {"squared": "SQ", "smoothgrad": "SG", "smoothgrad_squared": "SG-SQ", "vargrad": "VAR"}
INSTRUMENTS = {
    "blurred": "{base}, blurred",
    "max_filtered": "{base}, max-filtered",
    "random_class": "{base} of a random class",
    "randomized": "{base}, random weights",
    "degraded": "{base}, {noise} % noise",
}
DEFAULT_NOISE = "0.4"
"""Of `degraded`, whose label names it also where it is not written."""
EXPLAINERS = {
    "random": "Random",
    "random_per_epoch": "Random, every epoch",
    "sobel": "Sobel",
    "center": "Center",
    "deviation": "Deviation",
    "truth": "Truth",
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
    "occlusion": "Occlusion",
    "lime": "LIME",
    "kernel_shap": "KernelSHAP",
    "hide_and_seek": "HnS",
    "senn": "SENN",
    "disenn": "DiSENN",
    "cladec": "ClaDec",
}
FAMILIES = {
    "Controls": ("random", "random_per_epoch", "sobel", "center", "deviation", "truth"),
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
BETTER: dict[str, Better] = {"morf": "low", "lerf": "high"}
"""Accuracy that is better, by what is removed first."""

REFERENCE = "random"
"""The explainer that all others are compared with."""

FLAG = "⚑"


def label(explainer: str) -> str:
    """Display label of an explainer as written.

    >>> label("vargrad[base=guided_backprop,samples=50]")
    'VAR-GB[samples=50]'
    >>> label("degraded[base=truth,noise=0.2]")
    'Truth, 20 % noise'
    """
    if explainer in EXPLAINERS:
        return EXPLAINERS[explainer]
    name, parameters = parse(explainer)
    if name in ENSEMBLES:
        shown = f"{ENSEMBLES[name]}-{label(parameters.pop('base', 'gradient'))}"
    elif name in INSTRUMENTS:
        shown = _instrument(name, parameters)
    else:
        shown = EXPLAINERS.get(name, name.rpartition(":")[2])
    return shown + (f"[{','.join(f'{k}={v}' for k, v in parameters.items())}]" if parameters else "")


def _instrument(name: str, parameters: dict[str, str]) -> str:
    """Label of an instrument; takes from the parameters what the label says."""
    base = label(parameters.pop("base", "gradient"))
    noise = float(parameters.pop("noise", DEFAULT_NOISE)) if name == "degraded" else 0.0
    return INSTRUMENTS[name].format(base=base, noise=f"{100 * noise:g}")


def labels(explainers: list[str]) -> list[str]:
    """Labels of explainers that stand in one table; in full where two would read alike."""
    shown = [label(explainer) for explainer in explainers]
    return [e if shown.count(name) > 1 else name for e, name in zip(explainers, shown, strict=True)]


def family(explainer: str) -> str:
    """The panel an explainer is drawn in."""
    name, _ = parse(explainer)
    return next((family for family, names in FAMILIES.items() if name in names), OTHER_FAMILY)


@dataclass(frozen=True)
class Form:
    """How the numbers of a column are written.

    >>> percent(Summary(0.9123, 0.0049, 4), 5)
    '91.2 ± 0.5 (4/5)'
    """

    scale: float
    decimals: int

    def __call__(self, summary: Summary, planned: int) -> str:
        """The mean with its interval, and n where it is below plan."""
        if not summary.n:
            return f"– (0/{planned})"
        text = f"{self.scale * summary.mean:.{self.decimals}f}"
        if not math.isnan(summary.half_width):
            text += f" ± {self.scale * summary.half_width:.{self.decimals}f}"
        return text + (f" ({summary.n}/{planned})" if summary.n < planned else "")

    def rounded(self, decimals: int) -> "Form":
        """With so many decimals where it is of accuracies in percent; numbers around 1 keep one more."""
        return replace(self, decimals=decimals + self.decimals - percent.decimals)


percent = Form(scale=100, decimals=1)
"""Of accuracies, in percent."""

share = Form(scale=1, decimals=2)
"""Of numbers around 1."""


def mean_rank(summary: Summary, planned: int) -> str:
    """A mean of ranks without its interval; one of a single rank as it is."""
    return "–" if not summary.n else f"{summary.mean:.4g}" if summary.n == 1 else f"{summary.mean:.2f}"


def p_value(p: float) -> str:
    """A p value with three decimals.

    >>> p_value(0.0001)
    '<0.001'
    """
    return "–" if math.isnan(p) else "<0.001" if p < 0.001 else f"{p:.3f}"
