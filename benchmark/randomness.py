"""The only source of randomness: seeds derived from named parts, CPU generators, and a seeded block of code."""

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor


def derive(*parts: object) -> int:
    """A seed in [0, 2**63) from named parts; other parts, other seed, the same on every machine.

    >>> derive("weights", "mnist", 0) == derive("weights", "mnist", 0)
    True
    >>> derive("weights", "mnist", 0) == derive("weights", "mnist", 1)
    False
    """
    digest = hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator(*parts: object) -> torch.Generator:
    """A CPU generator seeded by `derive(*parts)`; on the CPU so that every device sees the same numbers."""
    return torch.Generator().manual_seed(derive(*parts))


def normal(like: Float[Tensor, "b *feature"], index: Int[Tensor, "b"], *parts: object) -> Float[Tensor, "b *feature"]:
    """Standard normal numbers for examples, the same for an example whatever others are asked for with it.

    Args:
        like: whose shape and device they take.
        index: positions of the examples; with `parts` what their numbers are drawn from, on the CPU.
    """
    noise = torch.empty(like.shape)
    for row, position in zip(noise, index.tolist(), strict=True):
        row.normal_(generator=generator(*parts, position))
    return noise.to(like)


@contextmanager
def seeded(*parts: object) -> Iterator[None]:
    """Seeds the global generators of torch, numpy and random inside the block and restores them afterwards."""
    seed = derive(*parts)
    state, np_state = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed % 2**32)
        try:
            yield
        finally:
            random.setstate(state)
            np.random.set_state(np_state)
