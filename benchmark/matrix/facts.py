"""What a measure says of itself as data, and whether it makes sense."""

from typing import Any

MEASURE: dict[str, Any] = {
    "label": "", "better": "", "bounds": (None, None), "form": "number", "needs": (), "cost": "", "sees_noise": True,
    "order": None, "column": "test_accuracy", "probe": "image", "option": "",
}  # fmt: skip
"""Data of a measure that it may leave out; see `measures.base`. `order` is None unless it is read from curves."""

CHOICES = {
    "better": ("high", "low", ""),
    "form": ("number", "probability", "percent", "count"),
    "needs": ("network", "gradients", "truth", "retraining", "evaluator"),
}


def check_measure(target: object, name: str) -> None:
    """Checks the data of a measure before anything is measured.

    Raises:
        ValueError: a value that is not among the choices, bounds that are no two numbers, a label that is no text.
    """
    for fact in ("better", "form"):
        if (value := getattr(target, fact, MEASURE[fact])) not in CHOICES[fact]:
            choices = ", ".join(map(repr, CHOICES[fact]))
            raise ValueError(f"measure {name}: {fact} must be one of {choices}, got {value!r}")
    needs, bounds, label = (getattr(target, fact, MEASURE[fact]) for fact in ("needs", "bounds", "label"))
    if not isinstance(needs, tuple) or not set(needs) <= set(CHOICES["needs"]):
        raise ValueError(f"measure {name}: needs must be a tuple of {', '.join(CHOICES['needs'])}, got {needs!r}")
    if not isinstance(label, str):
        raise ValueError(f"measure {name}: label must be text, got {label!r}")
    numbers = isinstance(bounds, tuple) and all(isinstance(end, int | float | None) for end in bounds)
    if not numbers or len(bounds) != 2:
        raise ValueError(f"measure {name}: bounds must be two numbers, None for no bound, got {bounds!r}")
