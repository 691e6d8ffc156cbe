"""What a trained Hide-and-Seek is worth: accuracy, share hidden, F, FIR, FII."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from roarbench.datasets.base import Split
from roarbench.hns.metrics import fidelity, fii, fir
from roarbench.hns.model import HideAndSeek


@dataclass(frozen=True)
class Score:
    """One split under a hider and its seeker.

    Attributes:
        accuracy: accuracy of the seeker on masked images, in [0, 1].
        loss: mean cross-entropy of the seeker, in nats.
        hidden: share of mask elements that are hidden, in [0, 1]: interpretability I.
        nonzero_hidden: share of values other than 0 that are hidden; black pixels are hidden for free.
        chance: share of the most frequent class, the accuracy of guessing.
    """

    accuracy: float
    loss: float
    hidden: float
    nonzero_hidden: float
    chance: float

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
    sums = torch.zeros(5, dtype=torch.float64)
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        for chunk in split.chunks():
            inputs, labels = chunk.inputs, chunk.labels
            output = network(inputs)
            hidden = 1 - output.mask.expand_as(inputs)
            nonzero = inputs != 0
            sums += (
                torch.stack(
                    [
                        (output.class_logits.argmax(1) == labels).sum(),
                        F.cross_entropy(output.class_logits, labels, reduction="sum"),
                        hidden.flatten(1).mean(1).sum(),
                        hidden[nonzero].sum(),
                        nonzero.sum(),
                    ]
                )
                .double()
                .cpu()
            )
    right, loss, hidden_share, hidden_lit, lit_values = sums.tolist()
    n = len(split)
    chance = split.labels.bincount().max().item() / n
    return Score(right / n, loss / n, hidden_share / n, hidden_lit / max(lit_values, 1), chance)


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
