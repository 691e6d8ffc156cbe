"""Configurations of the published reproduction."""

import json
from pathlib import Path

import pytest

from roarbench.methods.senn.importing import imported

COMPAS = {
    "exp_name": "compas", "model_class": "SENN", "dataloader": "compas", "batch_size": 200, "lr": 2e-4, "epochs": 100,
    "conceptizer": "IdentityConceptizer", "parameterizer": "LinearParameterizer", "aggregator": "SumAggregator",
    "hidden_sizes": [11, 5, 5, 22], "dropout": 0, "robustness_loss": "compas_robustness_loss", "robust_reg": 1e-4,
    "concept_reg": 0, "sparsity_reg": 2e-5, "manual_seed": 555,
}  # fmt: skip


def written(folder: Path, content: object) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps(content))
    return path


def test_the_published_keys_are_understood(tmp_path: Path) -> None:
    experiment, left_out = imported(written(tmp_path, COMPAS))
    settings = experiment.settings
    assert experiment.dataset == "compas"
    assert (settings.hidden, settings.bias, settings.robustness) == ((5, 5), False, "reproduction")
    assert (settings.learning_rate, settings.epochs, settings.robust_weight) == (2e-4, 100, 1e-4)
    assert left_out == ["exp_name", "manual_seed"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"robust_rge": 1}, "unknown keys robust_rge"),
        ({"conceptizer": "Magic"}, "conceptizer must be one of"),
        ({"epochs": "many"}, "epochs is of the wrong kind"),
        ({"epochs": 1.5}, "epochs is of the wrong kind"),
        ({"lr": 1e400}, "lr is of the wrong kind"),
        ({"hidden_sizes": 11}, "hidden_sizes is of the wrong kind"),
        ({"hidden_sizes": [11, "5", 22]}, "hidden_sizes is of the wrong kind"),
        ({"dataloader": ["mnist"]}, "dataloader must be one of"),
        ({"concept_dim": 2}, "concept_dim is of the wrong kind or size"),
    ],
)
def test_what_is_not_understood_is_named(tmp_path: Path, change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        imported(written(tmp_path, COMPAS | change))


def test_no_json(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ValueError, match="not a readable JSON"):
        imported(tmp_path / "config.json")
    with pytest.raises(ValueError, match="one JSON object"):
        imported(written(tmp_path, []))
