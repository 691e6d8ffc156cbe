"""Foreign-mask ROAR and KAR: networks retrained behind masks of other images, which they therefore cannot read."""

from roarbench.benchmark.measures.base import FromCurves


class ForeignRoar(FromCurves):
    """Accuracy without the most relevant features, of a network retrained behind masks of other images.

    Paper: none; ROAR (Hooker et al. 2019, arXiv:1806.10758) with the mask of another image at every read.
    Differs from the paper: the network cannot read the class from a mask.

    Misleads: the network cannot adapt to how masks and images of an explainer go together: between ROAR and deletion.
    """

    label = "Foreign-mask ROAR"
    better = "low"
    bounds = (0.0, 1.0)
    form = "percent"
    needs = ("retraining",)
    cost = "a training for each fraction"
    order = "morf"
    probe = "foreign"
    option = "--foreign true --orders morf"


class ForeignKar(FromCurves):
    """Accuracy without the least relevant features, of a network retrained behind masks of other images.

    Paper: none; KAR (Hooker et al. 2019, arXiv:1806.10758) with the mask of another image at every read.
    Differs from the paper: the network cannot read the class from a mask.

    Misleads: the network cannot adapt to how masks and images of an explainer go together: between KAR and insertion.
    """

    label = "Foreign-mask KAR"
    better = "high"
    bounds = (0.0, 1.0)
    form = "percent"
    needs = ("retraining",)
    cost = "a training for each fraction"
    order = "lerf"
    probe = "foreign"
    option = "--foreign true --orders lerf"


class ForeignDeltaRoar(FromCurves):
    """Accuracy behind masks of other images minus that behind own masks, most relevant removed; retrained.

    Paper: none; own masks against masks handed round between images.
    Differs from the paper: nowhere.

    Misleads: masks that reveal the class gain compared with masks of other classes; Delta within the predicted class
    does not.
    """

    label = "Foreign-mask Delta ROAR"
    better = "high"
    bounds = (-1.0, 1.0)
    form = "percent"
    needs = ("retraining",)
    cost = "nothing beside foreign-mask ROAR but passes of the test split"
    order = "morf"
    column = "delta"
    probe = "foreign"
    option = "--foreign true --orders morf"


class ForeignDeltaKar(FromCurves):
    """Accuracy behind own masks minus that behind masks of other images, least relevant removed; retrained.

    Paper: none; own masks against masks handed round between images.
    Differs from the paper: nowhere.

    Misleads: masks that reveal the class gain compared with masks of other classes; Delta within the predicted class
    does not.
    """

    label = "Foreign-mask Delta KAR"
    better = "high"
    bounds = (-1.0, 1.0)
    form = "percent"
    needs = ("retraining",)
    cost = "nothing beside foreign-mask KAR but passes of the test split"
    order = "lerf"
    column = "delta"
    probe = "foreign"
    option = "--foreign true --orders lerf"
