"""Units: what is ranked, kept and removed as a whole. Text and shapes only.

The first axis of an example holds its channels, the axes after it its places: pixels, time steps, voxels.
"""

import re

PATCH = re.compile(r"patch\[size=([1-9][0-9]*)\]")

FORMS = "pixel, feature or patch[size=N]"


def check_unit(unit: str, name: str = "unit") -> None:
    """Raises ValueError unless a unit is written as one."""
    if unit not in ("pixel", "feature") and not PATCH.fullmatch(unit):
        raise ValueError(f"{name} must be {FORMS}, got {unit!r}")


def side(unit: str) -> int:
    """Places along each side of a unit with all its channels: 1 for a pixel.

    >>> side("pixel"), side("patch[size=4]")
    (1, 4)
    """
    patch = PATCH.fullmatch(unit)
    return int(patch[1]) if patch else 1


def unit_shape(feature_shape: tuple[int, ...], unit: str) -> tuple[int, ...]:
    """Shape of the ranks of one example: `(1, *units along each axis)`, or that of its features where these are units.

    >>> unit_shape((3, 32, 32), "pixel"), unit_shape((3, 32, 32), "patch[size=4]"), unit_shape((30,), "pixel")
    ((1, 32, 32), (1, 8, 8), (30,))

    Raises:
        ValueError: patches of a row, patches that do not fill an example, or a single one.
    """
    size, places = side(unit), feature_shape[1:]
    if size > 1 and not places:
        raise ValueError(
            f"unit {unit} needs signals, images or volumes, got rows of {feature_shape[0]}; use unit feature"
        )
    if unit == "feature" or not places:
        return feature_shape
    if any(length % size for length in places):
        fitting = [str(n) for n in range(2, min(places)) if not any(length % n for length in places)]
        remedy = f"use {' or '.join(fitting)}" if fitting else "use unit pixel"
        raise ValueError(f"unit {unit} must divide {'x'.join(map(str, places))}; {remedy}")
    units = (1, *(length // size for length in places))
    if size > 1 and set(units) == {1}:
        raise ValueError(
            f"unit {unit} must leave two patches or more of {'x'.join(map(str, places))}; use a smaller one"
        )
    return units


def mask_shape(feature_shape: tuple[int, ...], unit: str) -> tuple[int, ...]:
    """Shape of the mask of one example: that of its features, with one channel for all unless features are units."""
    return unit_shape(feature_shape, "feature" if unit == "feature" else "pixel")


def plural(unit: str) -> str:
    """Several of them, in words.

    >>> plural("pixel"), plural("patch[size=4]")
    ('pixels', 'patches of side 4')
    """
    return f"patches of side {side(unit)}" if PATCH.fullmatch(unit) else f"{unit}s"
