"""What is compared: a score of each explainer for every seed, and for every test image where those are known."""

import math
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from itertools import chain

import numpy as np
from jaxtyping import Float

from roarbench.benchmark.results.statistics import Summary, summarise
from roarbench.reports.statistics.crossed import crossed_summary

Seeds = Mapping[int, float]
"""Seed -> score, such as the mean accuracy of a curve."""

Images = Float[np.ndarray, "m"]
"""Score of every test image under one seed; their mean is the score of the seed."""


@dataclass(frozen=True, eq=False)
class Scores:
    """One column of a table; two are equal where all their numbers are.

    Attributes:
        by_seed: explainer -> seed -> score; NaN does not count.
        by_image: explainer -> seed -> score of every test image, where these were stored and are the same images under
            all seeds; empty otherwise.
    """

    by_seed: Mapping[str, Seeds]
    by_image: Mapping[str, Mapping[int, Images]] = field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Scores) and self._digest == other._digest

    def __hash__(self) -> int:
        return hash(self._digest)

    @cached_property
    def _digest(self) -> bytes:
        images = [(e, s, of.tobytes()) for e, seeds in self.by_image.items() for s, of in seeds.items()]
        return sha256(pickle.dumps(([(e, [*seeds.items()]) for e, seeds in self.by_seed.items()], images))).digest()

    @cached_property
    def finite(self) -> dict[str, dict[int, float]]:
        """Explainer -> seed -> score, of explainers with a score."""
        numbers = {e: {s: v for s, v in seeds.items() if not math.isnan(v)} for e, seeds in self.by_seed.items()}
        return {e: seeds for e, seeds in numbers.items() if seeds}

    def summary(self, explainer: str) -> Summary:
        """Mean over seeds with its interval, over test images as well where these are known."""
        numbers, images = self.by_seed.get(explainer, {}).values(), self.images([explainer])
        return summarise(numbers) if images is None else crossed_summary(numbers, images[0])

    def images(self, explainers: list[str]) -> Float[np.ndarray, "k n m"] | None:
        """Scores of test images under all seeds of some explainers, NaN where one lacks a seed.

        None where an explainer has no images, none has two seeds, or there is a single image.
        """
        known = [self.by_image.get(e, {}) for e in explainers]
        if not all(known) or max(map(len, known), default=0) < 2:
            return None
        seeds, num_images = sorted({*chain(*known)}), len(next(iter(known[0].values())))
        gap = np.full(num_images, np.nan, np.float32)
        return np.array([[of.get(seed, gap) for seed in seeds] for of in known]) if num_images > 1 else None

    def copies(self, one: str, other: str) -> bool:
        """Whether two explainers classify the same images right under all seeds that both have."""
        images = self.by_image.get(one, {}), self.by_image.get(other, {})
        common = images[0].keys() & images[1].keys()
        return bool(common) and all(np.array_equal(images[0][seed], images[1][seed]) for seed in common)
