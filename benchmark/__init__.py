"""Classifiers, fills and measures by name. A value is "module:name"; nothing is imported before it is used.

A classifier is a function `name(feature_shape, num_classes, *, parameters...) -> nn.Module` that maps standardised
inputs to logits. A fill is a function `name(inputs, kept, train_mean, normal, *, parameters...) -> replacement`. A
measure is a class, see `measures.base`.
"""

if not __name__.startswith("roarbench."):
    raise ImportError(f"no other package {__name__} is installed, and that of roarbench is roarbench.{__name__}")


CLASSIFIERS: dict[str, str] = {
    "linear": "roarbench.benchmark.networks.classifiers:linear",
    "mlp": "roarbench.benchmark.networks.classifiers:mlp",
    "cnn_small": "roarbench.hns.seeker:seeker_small",
    "cnn_large": "roarbench.hns.seeker:seeker_large",
    "airbench": "roarbench.benchmark.networks.airbench:airbench",
    "cnn_nd": "roarbench.benchmark.networks.cnn_nd:cnn_nd",
    "vgg_small": "roarbench.benchmark.networks.vgg:vgg_small",
    "vgg_strided": "roarbench.benchmark.networks.vgg:vgg_strided",
    "resnet8": "roarbench.benchmark.networks.classifiers:resnet8",
    "resnet18": "roarbench.benchmark.networks.classifiers:resnet18",
    "resnet50": "roarbench.benchmark.networks.resnet50:resnet50",
    "vit_tiny": "roarbench.benchmark.networks.vit:vit_tiny",
    "trained": "roarbench.benchmark.networks.brought:trained",
    "torchvision": "roarbench.benchmark.networks.libraries:torchvision",
    "timm": "roarbench.benchmark.networks.libraries:timm",
    "hf": "roarbench.benchmark.networks.libraries:hf",
}

FILLS: dict[str, str] = {
    "mean": "roarbench.benchmark.removal.fills:mean",
    "zero": "roarbench.benchmark.removal.fills:zero",
    "image_mean": "roarbench.benchmark.removal.fills:image_mean",
    "noisy_linear": "roarbench.benchmark.removal.fills:noisy_linear",
    "blur": "roarbench.benchmark.removal.fills:blur",
}

MEASURES: dict[str, str] = {
    "evaluator_removed": "roarbench.benchmark.measures.evaluator:EvaluatorRemoved",
    "evaluator_kept": "roarbench.benchmark.measures.evaluator:EvaluatorKept",
    "evaluator_loss_removed": "roarbench.benchmark.measures.evaluator:LossRemoved",
    "evaluator_loss_kept": "roarbench.benchmark.measures.evaluator:LossKept",
    "delta_removed": "roarbench.benchmark.measures.delta:DeltaRemoved",
    "delta_kept": "roarbench.benchmark.measures.delta:DeltaKept",
    "foreign_roar": "roarbench.benchmark.measures.foreign:ForeignRoar",
    "foreign_kar": "roarbench.benchmark.measures.foreign:ForeignKar",
    "foreign_delta_roar": "roarbench.benchmark.measures.foreign:ForeignDeltaRoar",
    "foreign_delta_kar": "roarbench.benchmark.measures.foreign:ForeignDeltaKar",
    "roar": "roarbench.benchmark.measures.curves:Roar",
    "kar": "roarbench.benchmark.measures.curves:Kar",
    "diffroar": "roarbench.benchmark.measures.curves:DiffRoar",
    "mask_probe": "roarbench.benchmark.measures.curves:MaskProbe",
    "deletion": "roarbench.benchmark.measures.curves:Deletion",
    "insertion": "roarbench.benchmark.measures.curves:Insertion",
    "infidelity": "roarbench.benchmark.measures.infidelity:Infidelity",
    "max_sensitivity": "roarbench.benchmark.measures.max_sensitivity:MaxSensitivity",
    "lipschitz": "roarbench.benchmark.measures.lipschitz:Lipschitz",
    "gini": "roarbench.benchmark.measures.gini:Gini",
    "zero_attributions": "roarbench.benchmark.measures.zero_attributions:ZeroAttributions",
    "truth_precision": "roarbench.benchmark.measures.truth:TruthPrecision",
    "truth_auc": "roarbench.benchmark.measures.truth:TruthAuc",
    "passes": "roarbench.benchmark.measures.passes:Passes",
    "relevance_mass": "roarbench.benchmark.measures.relevance_mass:RelevanceMass",
    "pointing_game": "roarbench.benchmark.measures.pointing_game:PointingGame",
    "f_fidelity_plus": "roarbench.benchmark.measures.f_fidelity:FFidelityPlus",
    "f_fidelity_minus": "roarbench.benchmark.measures.f_fidelity:FFidelityMinus",
    "idsds": "roarbench.benchmark.measures.idsds:Idsds",
    "saco": "roarbench.benchmark.measures.saco:SaCo",
    "mcal": "roarbench.benchmark.measures.mcal:MCal",
    "mprt": "roarbench.benchmark.measures.mprt:Mprt",
    "random_logit": "roarbench.benchmark.measures.random_logit:RandomLogit",
    "mask_leak": "roarbench.benchmark.measures.mask_leak:MaskLeak",
    "blurriness": "roarbench.benchmark.measures.blurriness:Blurriness",
}

STANDARD = (
    "infidelity", "max_sensitivity", "lipschitz", "gini", "zero_attributions", "truth_precision", "truth_auc", "passes",
)  # fmt: skip
"""The group "standard" of measures: taken together, in one cell. Its members are part of the identity of that cell."""

MEASURE_GROUPS: dict[str, tuple[str, ...]] = {
    "faithful": (
        "f_fidelity_plus", "f_fidelity_minus", "idsds", "idsds[magnitude=true]", "saco", "mcal", "mcal[removes=lerf]",
    ),
    "localisation": ("truth_precision", "truth_auc", "relevance_mass", "pointing_game"),
    "sanity": ("mprt", "random_logit", "blurriness"),
}  # fmt: skip
"""Further groups of measures, each of which is taken in a cell of its own."""
