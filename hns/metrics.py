"""Fidelity, interpretability and the two numbers made of them, defined once for every explainer (HnS, s.6)."""


def fidelity(accuracy: float, original_accuracy: float) -> float:
    """F: accuracy on what is left / original accuracy. At least 0; above 1 where hiding helps.

    Raises:
        ValueError: the original accuracy is not positive.
    """
    if original_accuracy <= 0:
        raise ValueError(f"original_accuracy must be positive, got {original_accuracy}: fidelity is undefined")
    return accuracy / original_accuracy


def fir(fidelity: float, interpretability: float) -> float:
    """Fidelity-to-interpretability ratio F / (F + I) in [0, 1]: 0.5 is balanced, 1 hides nothing; NaN if F = I = 0.

    >>> fir(1.0, 1.0)
    0.5
    """
    total = fidelity + interpretability
    return fidelity / total if total else float("nan")


def fii(fidelity: float, interpretability: float) -> float:
    """Fidelity-interpretability index F * I: high only where much is hidden and accuracy stays.

    >>> fii(0.5, 0.5)
    0.25
    """
    return fidelity * interpretability
