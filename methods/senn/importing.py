"""Reads the flat JSON configurations of the published reproduction (github.com/AmanDaVinci/SENN). No torch."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from roarbench.methods.senn.settings import Experiment, Settings

FIELDS = {
    "num_concepts": "num_concepts", "dropout": "dropout", "lr": "learning_rate", "epochs": "epochs",
    "batch_size": "batch_size", "robust_reg": "robust_weight", "concept_reg": "concept_weight",
    "sparsity_reg": "sparsity", "pretrain_epochs": "pretraining_epochs", "pre_beta": "pretraining_beta", "beta": "beta",
}  # fmt: skip
CHOICES: dict[str, dict[str, dict[str, Any]]] = {
    "dataloader": {"mnist": {}, "compas": {}},
    "model_class": {"SENN": {}, "DiSENN": {"concepts": "vae"}},
    "conceptizer": {
        "IdentityConceptizer": {"concepts": "identity", "bias": False},
        "ConvConceptizer": {"concepts": "convolutional"},
        "VaeConceptizer": {"concepts": "vae"},
    },
    "parameterizer": {
        "LinearParameterizer": {"relevances": "dense"},
        "ConvParameterizer": {"relevances": "convolutional", "bounded": True, "dropout_outputs": True},
    },
    "aggregator": {"SumAggregator": {}},
    "robustness_loss": {
        "compas_robustness_loss": {"robustness": "reproduction"},
        "mnist_robustness_loss": {"robustness": "reproduction"},
    },
}
"""Key -> value -> settings that it stands for."""

IGNORED = (
    "exp_name", "train", "load_checkpoint", "data_path", "num_workers", "valid_size", "concept_dim", "num_classes",
    "image_size", "cl_sizes", "print_freq", "eval_freq", "device", "concept_names", "accuracy_vs_lambda", "num_seeds",
    "concept_loss", "concept_visualization", "manual_seed",
)  # fmt: skip
"""Keys without a place here: sizes are always as published, the command line has the counterparts of others."""


def imported(path: Path) -> tuple[Experiment, list[str]]:
    """The experiment of a configuration, and the keys that have no place in it.

    Raises:
        ValueError: no readable JSON object, an unknown key or class, a value of the wrong kind.
    """
    table = _read(path)
    keys = {*FIELDS, *CHOICES, "hidden_sizes", *IGNORED}
    if strange := sorted(set(table) - keys):
        raise ValueError(f"{path}: unknown keys {', '.join(strange)}; known are {', '.join(sorted(keys))}")
    settings: dict[str, Any] = {}
    for key, values in CHOICES.items():
        if key in table:
            settings |= _chosen(key, table[key], values, path)
    for theirs, ours in FIELDS.items():
        if theirs in table:
            kind = type(getattr(Settings(), ours))
            _require(_fits(table[theirs], kind), theirs, table[theirs], path)
            settings[ours] = kind(table[theirs])
    if "hidden_sizes" in table:
        widths = table["hidden_sizes"]
        _require(isinstance(widths, list) and all(type(w) is int for w in widths), "hidden_sizes", widths, path)
        settings["hidden"] = tuple(widths[1:-1])  # theirs list the input and the output as well
    _require(table.get("concept_dim", 1) == 1, "concept_dim", table.get("concept_dim"), path)
    experiment = Experiment(table.get("dataloader", "compas"), replace(Settings(), **settings))
    return experiment, [key for key in IGNORED if key in table]


def _read(path: Path) -> dict[str, Any]:
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"import_config: {path} is not a readable JSON file: {error}") from None
    if not isinstance(table, dict):
        raise ValueError(f"import_config: {path} must hold one JSON object")
    return table


def _chosen(key: str, value: object, values: dict[str, dict[str, Any]], path: Path) -> dict[str, Any]:
    if not isinstance(value, str) or value not in values:
        raise ValueError(f"{path}: {key} must be one of {', '.join(values)}, got {value!r}")
    return values[value]


def _require(right: bool, name: str, value: object, path: Path) -> None:
    if not right:
        raise ValueError(f"{path}: the value of {name} is of the wrong kind or size, got {value!r}")


def _fits(value: object, kind: type) -> bool:
    """Whether a number is of a kind; whole numbers pass for any."""
    return type(value) in (int, kind) and math.isfinite(float(value))  # type: ignore[arg-type]
