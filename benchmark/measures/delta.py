"""Delta: what the mask of an image takes, or leaves, beyond masks of other images, by the shared evaluator."""

from roarbench.benchmark.measures.base import FromCurves


class DeltaRemoved(FromCurves):
    """Accuracy of the shared evaluator behind masks of other images minus that behind own masks (removed).

    Paper: none; own masks against masks handed round between images.
    Differs from the paper: nowhere.

    Misleads: masks that reveal the class, by pixels that other classes do not need, gain compared with masks of other
    classes. Delta within the predicted class does not.
    """

    label = "Delta, removed"
    better = "high"
    bounds = (-1.0, 1.0)
    form = "percent"
    needs = ("evaluator",)
    cost = "up to ten passes of the test split for each fraction"
    order = "morf"
    column = "delta"
    probe = "evaluator"
    option = "--evaluator true --orders morf"


class DeltaKept(FromCurves):
    """Accuracy of the shared evaluator behind own masks minus that behind masks of other images (kept).

    Paper: none; own masks against masks handed round between images.
    Differs from the paper: nowhere.

    Misleads: masks that reveal the class, by pixels that other classes do not need, gain compared with masks of other
    classes. Delta within the predicted class does not.
    """

    label = "Delta, kept"
    better = "high"
    bounds = (-1.0, 1.0)
    form = "percent"
    needs = ("evaluator",)
    cost = "up to ten passes of the test split for each fraction"
    order = "lerf"
    column = "delta"
    probe = "evaluator"
    option = "--evaluator true --orders lerf"
