"""As many examples at a time as the memory of a device holds."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from roarbench.methods.base import AttributionFunction


@dataclass
class Fitting:
    """Calls an attribution function with chunks, and never asks for more memory than there is.

    A chunk that does not fit is divided in halves until its parts do, and later chunks come in parts of that size.
    Explainers that draw random numbers for a batch draw others for parts of it: equal devices give equal results.

    Attributes:
        attribute: the function.
        most: examples that fitted at a time; None while whole chunks did.
    """

    attribute: AttributionFunction
    most: int | None = None

    def __call__(
        self, inputs: Float[Tensor, "n *feature"], targets: Int[Tensor, "n"]
    ) -> Iterator[tuple[Float[Tensor, "b *feature"], Tensor]]:
        """Parts of the inputs in order, and what the function makes of each.

        Raises:
            torch.OutOfMemoryError: a single example is too large.
        """
        start = 0
        while start < len(inputs):
            part = slice(start, start + (self.most or len(inputs)))
            state = torch.get_rng_state(), torch.cuda.get_rng_state_all()
            fits = True
            try:
                attributions = self.attribute(inputs[part], targets[part])
            except torch.OutOfMemoryError:
                if len(inputs[part]) == 1:
                    raise
                fits = False
            if fits:
                yield inputs[part], attributions
                start = part.stop
            else:  # out of the handler: the error would hold on to the tensors of the attempt
                self.most = (len(inputs[part]) + 1) // 2
                torch.cuda.empty_cache()
                torch.set_rng_state(state[0])
                torch.cuda.set_rng_state_all(state[1])
