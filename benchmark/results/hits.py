"""Which test images a network classified right: eight to a byte in the store."""

import numpy as np
from jaxtyping import Bool


def packed(hits: Bool[np.ndarray, "m"]) -> bytes:
    """One bit for each test image, in their order.

    >>> packed(np.array([True, False, True])).hex()
    'a0'
    """
    return np.packbits(hits).tobytes()


def unpacked(hits: bytes, num_images: int) -> Bool[np.ndarray, "m"]:
    """The inverse of `packed`.

    >>> unpacked(bytes.fromhex("a0"), 3).tolist()
    [True, False, True]

    Raises:
        ValueError: there are not as many bits.
    """
    if len(hits) != -(-num_images // 8):
        raise ValueError(f"hits of {num_images} images must take {-(-num_images // 8)} bytes, got {len(hits)}")
    return np.unpackbits(np.frombuffer(hits, np.uint8), count=num_images).astype(bool)
