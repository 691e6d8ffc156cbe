"""Results as trainings leave them, without training anything."""

from typing import Any

ALPHAS = (0.0, 0.5, 0.99, 1.0)


def decoder(alpha: float | None, *, seed: int = 0, layer: str = "conv", **more: Any) -> dict[str, Any]:
    """A decoder of some alpha, or the reference: errors grow with alpha and a little with the seed."""
    weight = alpha or 0.0
    error = (1.0 if alpha is None else 3.0 + 10 * weight**4) + 0.1 * seed
    test = {
        "total": error, "reconstruction": error, "classification": None if alpha is None else 0.3 - 0.1 * weight,
        "frozen_accuracy": 0.95 + 0.02 * weight, "frozen_cross_entropy": 0.3 - 0.1 * weight + 0.01 * seed,
        "agreement": 0.94 + 0.02 * weight, "divergence": 0.1,
        "evaluation_accuracy": [0.96 + 0.01 * seed, 0.98 + 0.01 * seed],
    }  # fmt: skip
    made = {
        "dataset": "mnist", "name": "made up", "seed": seed, "classifier": "vgg_small", "layer": layer,
        "kind": "reference" if alpha is None else "cladec", "alpha": alpha, "settings": {"reduction": "sum"},
        "num_parameters": 5, "epochs": [], "test": test, "seconds": 1.0, "provenance": {},
    }  # fmt: skip
    return made | more


def classifier(*, seed: int = 0, **more: Any) -> dict[str, Any]:
    """A classifier on original images."""
    test = {"accuracy": 0.99 + 0.001 * seed, "cross_entropy": 0.04}
    return decoder(None, seed=seed) | {"kind": "classifier", "layer": None, "test": test} | more


def sweep(seeds: int = 2, **more: Any) -> list[dict[str, Any]]:
    """The reference and all alphas of two layers, and the classifier."""
    decoders = [
        decoder(alpha, seed=seed, layer=layer, **more)
        for seed in range(seeds) for layer in ("conv", "dense") for alpha in (None, *ALPHAS)
    ]  # fmt: skip
    return [classifier(seed=seed, **more) for seed in range(seeds)] + decoders
