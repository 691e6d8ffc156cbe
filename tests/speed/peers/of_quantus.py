"""What Quantus (Hedström et al. 2023, arXiv:2202.06861) is asked for.

Version 0.6 scores the first batch alone in ROAD, hence one batch for all images; it refuses colour images there.
"""

from collections.abc import Callable, Sequence

import numpy as np
import quantus
import torch
from jaxtyping import Float
from quantus.functions.perturb_func import noisy_linear_imputation
from torch import Tensor

from tests.speed.peers.subject import Subject

Perturb = Callable[..., np.ndarray]


def road(
    subject: Subject, fractions: Sequence[float], *, noise: float = 0.01, perturb: Perturb = noisy_linear_imputation
) -> list[float]:
    """Accuracy at each removal fraction."""
    percentages = [100 * fraction for fraction in fractions]
    metric = quantus.ROAD(percentages, noise=noise, perturb_func=perturb, disable_warnings=True)
    scores = _called(metric, subject, subject.data.test.inputs, subject.data.test.labels.cpu().numpy())
    return [float(scores[percentage]) for percentage in percentages]


def imputed(subject: Subject, fractions: Sequence[float]) -> list[Float[Tensor, "n c h w"]]:
    """The images that ROAD makes for each removal fraction, without noise."""
    images: list[np.ndarray] = []

    def recorded(**given: object) -> np.ndarray:
        images.append(noisy_linear_imputation(**given))
        return images[-1]

    road(subject, fractions, noise=0.0, perturb=recorded)
    return list(torch.from_numpy(np.stack(images)).split(len(subject.data.test)))


def deletion(subject: Subject, steps: int) -> list[float]:
    """Mean probability of the predicted class after each of some equal steps from the image to black."""
    size = subject.data.test.inputs[0].numel() // steps
    return _mean(quantus.PixelFlipping(size, perturb_baseline=0.0, disable_warnings=True), subject, begin=1.0)


def insertion(subject: Subject, steps: int) -> list[float]:
    """Mean probability after each step from black to the image: a perturbation puts pixels back."""
    intact = subject.data.test.inputs.flatten(1).cpu().numpy()

    def inserted(arr: np.ndarray, indices: np.ndarray, **_: object) -> np.ndarray:
        rows = np.arange(len(arr))[:, None]
        arr[rows, indices] = intact[rows, indices]
        return arr

    size = intact.shape[1] // steps
    return _mean(quantus.PixelFlipping(size, perturb_func=inserted, disable_warnings=True), subject, begin=0.0)


def _mean(metric: quantus.PixelFlipping, subject: Subject, begin: float) -> list[float]:
    """The mean curve over images; they begin as they are, or as nothing of them."""
    return np.mean(_called(metric, subject, begin * subject.data.test.inputs, subject.classes), 0).tolist()


def _called(metric: Callable, subject: Subject, inputs: Tensor, classes: np.ndarray) -> object:
    images = inputs.cpu().numpy()
    given = {"x_batch": images, "y_batch": classes, "a_batch": subject.maps, "batch_size": len(images)}
    return metric(model=subject.network, device=subject.place.device, **given)
