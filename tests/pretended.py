"""A card that is not there: tensors of the processor that behave as if they lay on CUDA, to find what is misplaced.

Operations on tensors of both devices, generators of the wrong one and `.numpy()` fail as they do on a card. Numbers are
the processor's. It says nothing of kernels, of speed, of bfloat16, of streams or of other processes.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map

DEVICE = torch.device("cuda:0")
INDEXING = {"index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index"}
"""Operations whose indices may lie on the processor."""

MAKES_ITS_OWN = {"native_batch_norm", "native_batch_norm_backward"}
"""Operations for which torch makes ones and zeros itself, where it sees the true device."""

MOVES = {Tensor.to, Tensor.cpu, Tensor.cuda}


class OnCard(Tensor):
    """A tensor that pretends to lie on the card; `inner` has its numbers."""

    inner: Tensor

    @staticmethod
    def __new__(cls, inner: Tensor) -> "OnCard":
        shape, strides, offset = inner.shape, inner.stride(), inner.storage_offset()
        return Tensor._make_wrapper_subclass(
            cls, shape, strides=strides, storage_offset=offset, dtype=inner.dtype, layout=inner.layout
        )

    def __init__(self, inner: Tensor) -> None:
        self.inner = inner

    @classmethod
    def __torch_dispatch__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        _check(function, args, kwargs)
        results = function(*tree_map(bare, args), **tree_map(bare, kwargs))
        if function.overloadpacket.__name__ == "copy_" and not isinstance(args[0], OnCard):
            return results
        given = {id(bare(leaf)): leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, OnCard)}
        return tree_map(lambda one: given.get(id(one), _placed(one)) if isinstance(one, Tensor) else one, results)


def bare(value: Any) -> Any:
    """What lies behind a tensor of the card; anything else is itself."""
    return value.inner if isinstance(value, OnCard) else value


def _placed(value: Tensor) -> Tensor:
    return OnCard(value)


def _check(function: Any, args: Any, kwargs: Any) -> None:
    """Raises RuntimeError where a card would: tensors of two devices, a generator of the processor."""
    name, leaves = function.overloadpacket.__name__, tree_leaves((args, kwargs))
    plain = [leaf for leaf in leaves if isinstance(leaf, Tensor) and not isinstance(leaf, OnCard) and leaf.dim()]
    if name == "copy_":
        return
    if name in INDEXING:
        plain = [] if isinstance(args[0], OnCard) else plain
        if name not in ("index", "_unsafe_index") and not isinstance(args[2], OnCard) and args[2].dim():
            plain.append(args[2])
    constants = all(bool((one == one.flatten()[0]).all()) for one in plain if one.numel())
    inside = name in MAKES_ITS_OWN or torch._C._current_autograd_node() is not None
    if plain and not (constants and inside):
        raise RuntimeError(f"expected all tensors on one device, got cuda:0 and cpu in {function}")
    if any(isinstance(leaf, torch.Generator) for leaf in leaves):
        raise RuntimeError(f"expected a generator of cuda:0, got one of the cpu in {function}")


class Up(torch.autograd.Function):
    """To the card."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        return OnCard(values.detach().clone())

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return bare(gradients[0])


class Down(torch.autograd.Function):
    """To the processor."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        return bare(values).detach().clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return OnCard(gradients[0])


class Pretending(TorchFunctionMode):
    """What programs say of devices is said to the card that is not there."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        first = args[0] if args else None
        if function in MOVES:
            return _moved(function, args, kwargs)
        if isinstance(first, OnCard) and (answer := ANSWERS.get(function)):
            return answer(function, *args, **kwargs)
        device = kwargs.get("device")
        if device is None:
            return function(*args, **kwargs)
        if torch.device(device).type != "cuda":
            return Down.apply(made) if isinstance(made := function(*args, **kwargs), OnCard) else made
        if isinstance(kwargs.get("generator"), torch.Generator):
            raise RuntimeError(f"expected a generator of cuda:0, got one of the cpu in {function}")
        made = function(*args, **(kwargs | {"device": "cpu"}))
        return made if isinstance(made, OnCard) else OnCard(made.detach()).requires_grad_(made.requires_grad)


def _moved(function: Any, args: Any, kwargs: Any) -> Any:
    """`to`, `cpu` and `cuda`, with what `to` is asked for besides."""
    values, *rest = args
    target: Any = {Tensor.cpu: "cpu", Tensor.cuda: "cuda"}.get(function, kwargs.pop("device", None))
    dtype = kwargs.pop("dtype", None)
    for word in rest:
        if isinstance(word, Tensor):
            target, dtype = "cuda" if isinstance(word, OnCard) else "cpu", word.dtype
        elif isinstance(word, str | torch.device):
            target = word
        elif isinstance(word, torch.dtype):
            dtype = word
    kind = None if target is None else torch.device(target).type
    if kind == "meta":
        return bare(values).detach().to("meta")
    if kind is not None and isinstance(values, OnCard) != (kind == "cuda"):
        values = (Up if kind == "cuda" else Down).apply(values)
    further = {"dtype": dtype, "memory_format": kwargs.get("memory_format")}
    wanted = {word: value for word, value in further.items() if value is not None}
    return Tensor.to(values, **wanted) if wanted else values


def _no_numpy(*_: object, **__: object) -> None:
    raise TypeError("can't convert cuda:0 device type tensor to numpy; use Tensor.cpu()")


def _data_set(_: Any, values: OnCard, data: OnCard) -> None:
    values.inner = data.inner


def _of_inner(function: Any, values: OnCard, *args: Any, **kwargs: Any) -> Any:
    return function(values.inner, *args, **kwargs)


def _new(function: Any, values: OnCard, *args: Any, **kwargs: Any) -> Tensor:
    return OnCard(function(values.inner, *args, **kwargs))


ANSWERS: dict[Any, Callable[..., Any]] = {
    Tensor.device.__get__: lambda *_: DEVICE,  # type: ignore[attr-defined]
    Tensor.is_cuda.__get__: lambda *_: True,  # type: ignore[attr-defined]
    Tensor.data.__set__: _data_set,  # type: ignore[attr-defined]
    Tensor.numpy: _no_numpy,
    Tensor.tolist: _of_inner,
    Tensor.data_ptr: _of_inner,
    Tensor.untyped_storage: _of_inner,
    Tensor.new_tensor: _new,
    torch.nn.functional.one_hot: _new,
}
"""What a tensor of the card answers differently than torch, which knows where it lies."""


@contextmanager
def card() -> Iterator[None]:
    """Within it "cuda" is the card that is not there; this process must have no other."""
    before = torch.__future__.get_overwrite_module_params_on_conversion()
    torch.__future__.set_overwrite_module_params_on_conversion(True)
    try:
        with pytest.MonkeyPatch.context() as patch, Pretending():
            patch.setattr(torch.cuda, "synchronize", lambda *_: None)
            patch.setattr(torch.cuda, "get_device_name", lambda *_: "pretended")
            patch.setattr(torch.cuda, "get_device_capability", lambda *_: (7, 0))
            yield
    finally:
        torch.__future__.set_overwrite_module_params_on_conversion(before)
