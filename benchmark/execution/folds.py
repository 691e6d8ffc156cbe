"""Networks that explain the training images which they did not see (cross-fitting), trained once for all explainers."""

import time

from torch import nn

from roarbench.benchmark.attribution.folds import without
from roarbench.benchmark.execution import runner
from roarbench.benchmark.execution.networks import fresh_network, trained
from roarbench.benchmark.execution.workplace import Workplace, data_for
from roarbench.benchmark.matrix.spec import Fold
from roarbench.benchmark.networks.brought import trainer
from roarbench.benchmark.results.store import Outcome
from roarbench.datasets.base import Dataset


def train_fold(fold: Fold, place: Workplace) -> Outcome:
    """Trains the network of a fold and stores its weights; the outcome is that of no cell.

    Raises:
        ValueError: the training diverged.
    """
    start = time.perf_counter()
    network, data = trained_fold(fold, place)
    outcome = runner.scored(network, data, start, place, {})
    place.artefacts.save_network(fold, network)
    return outcome


def trained_fold(fold: Fold, place: Workplace) -> tuple[nn.Module, Dataset]:
    """A network trained on the images of all other folds, and its data."""
    with place.in_step():
        data = without(fold, data_for(fold.training, place))
        network = fresh_network(fold.training, data, place)
    return trained(network, fold.training, data, place, trainer(fold.training.classifier)), data
