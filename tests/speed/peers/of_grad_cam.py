"""What pytorch-grad-cam (Gildenblat et al. 2021, github.com/jacobgil/pytorch-grad-cam) is asked for."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from pytorch_grad_cam.metrics.perturbation_confidence import PerturbationConfidenceMetric, RemoveMostRelevantFirst
from pytorch_grad_cam.metrics.road import NoisyLinearImputer, ROADMostRelevantFirstAverage
from pytorch_grad_cam.utils.model_targets import ClassifierOutputSoftmaxTarget
from torch import Tensor

from tests.speed.peers.subject import Subject


def road(subject: Subject, fractions: Sequence[float]) -> np.ndarray:
    """Mean over removal fractions of the change of the probability of the predicted class, `(n,)`."""
    return ROADMostRelevantFirstAverage([_percentile(fraction) for fraction in fractions])(*_given(subject))


def imputed(subject: Subject, fraction: float) -> tuple[float, Float[Tensor, "n c h w"]]:
    """Mean probability of the predicted class at a removal fraction, and the images, without noise."""
    perturbation = RemoveMostRelevantFirst(_percentile(fraction), NoisyLinearImputer(noise=0))
    metric = PerturbationConfidenceMetric(perturbation)
    probabilities, images = metric(*_given(subject), return_visualization=True, return_diff=False)
    return float(probabilities.mean()), images.cpu()


def _percentile(fraction: float) -> float:
    """Pixels below it are kept; as many go as elsewhere where the fraction of the pixels is a whole number."""
    return 100 * (1 - fraction)


def _given(subject: Subject) -> tuple[Tensor, np.ndarray, list, torch.nn.Module]:
    targets = [ClassifierOutputSoftmaxTarget(int(target)) for target in subject.classes]
    return subject.data.test.inputs, subject.maps[:, 0], targets, subject.network
