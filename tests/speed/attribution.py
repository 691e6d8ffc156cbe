"""Attributions that share their passes, against the same through Captum."""

import captum.attr
import torch

from roarbench.datasets.base import Dataset
from roarbench.methods.ensembles import NoisyMoments
from roarbench.methods.gradient import Gradient, IntegratedGradients
from tests.speed.retraining import fresh
from tests.speed.timing import Ratio, compare


def ensembles(data: Dataset, base: str, *, images: int = 64, samples: int = 15) -> Ratio:
    """One shared pass against three calls of Captum's NoiseTunnel, each batched: same network, same samples."""
    network, few = fresh(data.train), data.test.at(torch.arange(images))
    method, captums = {
        "gradient": (Gradient(), captum.attr.Saliency(network)),
        "integrated_gradients": (IntegratedGradients(), captum.attr.IntegratedGradients(network)),
    }[base]
    ours = NoisyMoments(method, samples).prepare(network, data.train)
    tunnel, own = captum.attr.NoiseTunnel(captums), {"abs": False} if base == "gradient" else {"n_steps": 25}

    def plain() -> None:
        for kind in ("smoothgrad", "smoothgrad_sq", "vargrad"):
            tunnel.attribute(
                few.inputs, target=few.labels, nt_type=kind, nt_samples=samples, nt_samples_batch_size=1, **own
            )

    return compare(plain, lambda: ours(few.inputs, few.labels))
