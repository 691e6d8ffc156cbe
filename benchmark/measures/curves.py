"""Measures that are read from curves of removal: what their numbers mean, and which option has them measured."""

from roarbench.benchmark.measures.base import FromCurves


class Roar(FromCurves):
    """Accuracy of a network retrained without the most relevant features (Remove And Retrain).

    Paper: Hooker et al. 2019, arXiv:1806.10758, s. 3.
    Differs from the paper: whole pixels are ranked by magnitude unless `--protocol paper`.

    Misleads: where masks reveal the class (label leakage), retrained networks read the mask; the mask probe shows it.
    """

    label = "ROAR"
    better = "low"
    bounds = (0.0, 1.0)
    form = "percent"
    needs = ("retraining",)
    cost = "a training for each fraction"
    order = "morf"
    option = "--retrain true --orders morf"


class Kar(FromCurves):
    """Accuracy of a network retrained without the least relevant features (Keep And Retrain).

    Paper: Hooker et al. 2019, arXiv:1806.10758, s. 3.
    Differs from the paper: whole pixels are ranked by magnitude unless `--protocol paper`.

    Misleads: where masks reveal the class (label leakage), retrained networks read the mask; the mask probe shows it.
    """

    label = "KAR"
    better = "high"
    bounds = (0.0, 1.0)
    form = "percent"
    needs = ("retraining",)
    cost = "a training for each fraction"
    order = "lerf"
    option = "--retrain true --orders lerf"


class DiffRoar(FromCurves):
    """Accuracy without the least relevant features (KAR) minus that without the most relevant ones (ROAR).

    Paper: Shah et al. 2021, arXiv:2102.12781.
    Differs from the paper: fractions of features, not blocks.

    Misleads: where masks reveal the class (label leakage): both of its curves are raised.
    """

    label = "DiffROAR"
    better = "high"
    bounds = (-1.0, 1.0)
    form = "percent"
    needs = ("retraining",)
    cost = "two trainings for each fraction"
    order = ""
    option = "--retrain true --orders morf lerf"


class Deletion(FromCurves):
    """Probability of the predicted class as the most relevant features are removed, without retraining.

    Paper: Petsiuk et al. 2018, arXiv:1806.07421, s. 4.2.
    Differs from the paper: the fill is that of the matrix.

    Misleads: the network was never trained on reduced images: they lie off its training distribution.
    """

    label = "Deletion"
    better = "low"
    bounds = (0.0, 1.0)
    form = "probability"
    needs = ("network",)
    cost = "a pass of the test split for each fraction"
    order = "morf"
    column = "test_target_probability"
    option = "--unretrained-fills mean --orders morf"


class Insertion(FromCurves):
    """Probability of the predicted class as the most relevant features are shown, without retraining.

    Paper: Petsiuk et al. 2018, arXiv:1806.07421, s. 4.2.
    Differs from the paper: the fill is that of the matrix.

    Misleads: the network was never trained on reduced images: they lie off its training distribution.
    """

    label = "Insertion"
    better = "high"
    bounds = (0.0, 1.0)
    form = "probability"
    needs = ("network",)
    cost = "a pass of the test split for each fraction"
    order = "lerf"
    column = "test_target_probability"
    option = "--unretrained-fills mean --orders lerf"


class MaskProbe(FromCurves):
    """Label leakage: accuracy of a network that sees only which features were removed.

    Paper: Rong et al. 2022, arXiv:2202.00449, s. 4 (class information leakage through masking).
    Differs from the paper: a network is trained on masks; the paper estimates mutual information.

    Misleads: a probe that stays at chance shows no leak to a network of this size, not that there is none.
    """

    label = "Mask alone"
    bounds = (0.0, 1.0)
    form = "percent"
    needs = ("retraining",)
    cost = "a training"
    order = "morf"
    probe = "mask"
    option = "--mask-fractions 0.9"
