"""What a trained Hide-and-Seek is worth: accuracy, share hidden, F, FIR, FII."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from roarbench.datasets.base import Split
from roarbench.hns.metrics import fidelity, fii, fir
from roarbench.hns.model import HideAndSeek, Seen


@dataclass(frozen=True)
class Score:
    """One split under a hider and its seeker.

    Attributes:
        accuracy: accuracy of the seeker on masked images, in [0, 1].
        loss: mean cross-entropy of the seeker, in nats.
        hidden: share of mask elements that are hidden, in [0, 1]: interpretability I.
        nonzero_hidden: share of values other than 0 that are hidden; black pixels are hidden for free.
        chance: share of the most frequent class, the accuracy of guessing.
        variation: share of the variance of masks that lies between images, in [0, 1]; 0: all images have one mask.
    """

    accuracy: float
    loss: float
    hidden: float
    nonzero_hidden: float
    chance: float
    variation: float

    def against(self, baseline: float | None) -> dict[str, float]:
        """F, I, FIR and FII against the accuracy of a seeker of intact images; only I without one."""
        if baseline is None:
            return {"interpretability": self.hidden}
        ratio = fidelity(self.accuracy, baseline)
        return {
            "fidelity": ratio,
            "interpretability": self.hidden,
            "fir": fir(ratio, self.hidden),
            "fii": fii(ratio, self.hidden),
        }


def score(network: HideAndSeek, split: Split) -> Score:
    """Scores a network in eval mode; draws masks from a copy of the generator, so that training goes on undisturbed."""
    network.eval()
    sums, places = torch.zeros(5, dtype=torch.float64), torch.zeros(())
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        for chunk in split.chunks():
            output = network(chunk.inputs)
            sums += _sums(output, chunk)
            places = places + torch.stack([output.mask, output.mask**2]).sum(1, dtype=torch.float64).cpu()
    right, loss, hidden_share, hidden_lit, lit_values = sums.tolist()
    n = len(split)
    chance = split.labels.bincount().max().item() / n
    return Score(right / n, loss / n, hidden_share / n, hidden_lit / max(lit_values, 1), chance, _variation(places / n))


def _sums(output: Seen, chunk: Split) -> Float[Tensor, "5"]:
    """Right answers, loss, hidden shares, hidden values other than 0, and all values other than 0, each summed."""
    logits, hidden, nonzero = output.class_logits, 1 - output.mask.expand_as(chunk.inputs), chunk.inputs != 0
    sums = [
        (logits.argmax(1) == chunk.labels).sum(),
        F.cross_entropy(logits, chunk.labels, reduction="sum"),
        hidden.flatten(1).mean(1).sum(),
        hidden[nonzero].sum(),
        nonzero.sum(),
    ]
    return torch.stack(sums).double().cpu()


def _variation(moments: Float[Tensor, "2 *unit"]) -> float:
    """Variance between images over all variance of masks, from the mean and the mean square at each place."""
    mean, square = moments
    total = (square.mean() - mean.mean() ** 2).item()
    return (square - mean**2).mean().item() / total if total > 0 else 0.0


def accuracy(classifier: nn.Module, split: Split) -> float:
    """Accuracy of a classifier of whatever the inputs of a split are, in eval mode."""
    classifier.eval()
    with torch.no_grad():
        predicted = torch.cat([classifier(chunk.inputs).argmax(1) for chunk in split.chunks()])
    return (predicted == split.labels).double().mean().item()


def masks(network: HideAndSeek, split: Split) -> Split:
    """The masks of a split in place of its inputs: what a probe of the masks alone gets to see."""
    network.eval()
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        chunks = [network(chunk.inputs).mask for chunk in split.chunks()]
    return Split(torch.cat(chunks), split.labels)
