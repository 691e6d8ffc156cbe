"""Measures by the shared evaluator: one network trained behind random masks, in place of a training for each cell."""

from roarbench.benchmark.measures.base import FromCurves


class EvaluatorRemoved(FromCurves):
    """Accuracy of the shared evaluator without the most relevant features.

    Paper: Jethani et al. 2021, arXiv:2103.01890, s. 3 (EVAL-X).
    Differs from the paper: half of the masks of its training are blobs; it trains five times the epochs of the recipe.

    Misleads: masks unlike those of its training may mislead it. It is a weak detector of explanations that encode the
    class (Puli et al. 2024, arXiv:2411.02664): see the encode gap.
    """

    label = "Shared evaluator, removed"
    better = "low"
    bounds = (0.0, 1.0)
    form = "percent"
    needs = ("evaluator",)
    cost = "a training for each seed, and a pass of the test split for each fraction"
    order = "morf"
    probe = "evaluator"
    option = "--evaluator true --orders morf"


class EvaluatorKept(FromCurves):
    """Accuracy of the shared evaluator without the least relevant features.

    Paper: Jethani et al. 2021, arXiv:2103.01890, s. 3 (EVAL-X).
    Differs from the paper: half of the masks of its training are blobs; it trains five times the epochs of the recipe.

    Misleads: masks unlike those of its training may mislead it. It is a weak detector of explanations that encode the
    class (Puli et al. 2024, arXiv:2411.02664): see the encode gap.
    """

    label = "Shared evaluator, kept"
    better = "high"
    bounds = (0.0, 1.0)
    form = "percent"
    needs = ("evaluator",)
    cost = "a training for each seed, and a pass of the test split for each fraction"
    order = "lerf"
    probe = "evaluator"
    option = "--evaluator true --orders lerf"


class LossRemoved(FromCurves):
    """Cross-entropy of the shared evaluator without the most relevant features, in nats.

    Paper: Jethani et al. 2021, arXiv:2103.01890, eq. 4 (EVAL-X), with its sign turned.
    Differs from the paper: as the accuracy of the shared evaluator does.

    Misleads: where the evaluator is sure of a wrong class, a few images make the mean.
    """

    label = "Shared evaluator, loss, removed"
    better = "high"
    bounds = (0.0, None)
    needs = ("evaluator",)
    cost = "nothing beside the accuracy of the shared evaluator"
    order = "morf"
    column = "test_loss"
    probe = "evaluator"
    option = "--evaluator true --orders morf"


class LossKept(FromCurves):
    """Cross-entropy of the shared evaluator without the least relevant features, in nats.

    Paper: Jethani et al. 2021, arXiv:2103.01890, eq. 4 (EVAL-X), with its sign turned.
    Differs from the paper: as the accuracy of the shared evaluator does.

    Misleads: where the evaluator is sure of a wrong class, a few images make the mean.
    """

    label = "Shared evaluator, loss, kept"
    better = "low"
    bounds = (0.0, None)
    needs = ("evaluator",)
    cost = "nothing beside the accuracy of the shared evaluator"
    order = "lerf"
    column = "test_loss"
    probe = "evaluator"
    option = "--evaluator true --orders lerf"
