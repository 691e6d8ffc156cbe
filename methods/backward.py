"""What gradients pass on their way back from the logits to the inputs of a classifier."""

from collections import defaultdict
from collections.abc import Mapping

from torch import Tensor
from torch.autograd.graph import Node

LINEAR = frozenset({
    "Add", "Alias", "AsStrided", "AvgPool2D", "AvgPool3D", "AdaptiveAvgPool1D", "AdaptiveAvgPool2D",
    "AdaptiveAvgPool3D", "Cat", "Clone", "Col2Im", "ConstantPadNd", "Contiguous", "Copy", "CudnnBatchNorm",
    "Cumsum", "Detach", "Diagonal", "Expand", "Flip", "FusedDropout", "Gather", "Identity", "Im2Col", "Index",
    "IndexSelect", "MiopenBatchNorm", "Mean", "MkldnnReshape", "Movedim", "Narrow", "NativeBatchNorm",
    "NativeDropout", "Neg", "Permute", "PixelShuffle", "PixelUnshuffle", "ReflectionPad1D", "ReflectionPad2D",
    "Repeat", "ReplicationPad1D", "ReplicationPad2D", "Reshape", "ReshapeAlias", "Roll", "Rsub", "Select",
    "Slice", "Split", "SplitWithSizes", "Squeeze", "Stack", "Sub", "Sum", "T", "ToCopy", "Transpose", "Unbind",
    "Unfold", "UnsafeSplit", "UnsafeView", "Unsqueeze", "UpsampleBicubic2D", "UpsampleBilinear2D",
    "UpsampleLinear1D", "UpsampleNearest1D", "UpsampleNearest2D", "UpsampleNearestExact2D", "View",
})  # fmt: skip
"""Steps whose gradient does not depend on the activations; batch norm is one where it has statistics of its own."""

PRODUCTS = frozenset({
    "Addmm", "Addmv", "Addbmm", "Baddbmm", "Bmm", "Convolution", "ConvolutionOverrideable", "CudnnConvolution",
    "CudnnConvolutionTranspose", "Div", "Dot", "Linear", "MiopenConvolution", "MkldnnConvolution", "Mm", "Mul",
    "Mv", "SlowConv2D", "ThnnConv2D",
})  # fmt: skip
"""Steps that are linear where a single factor of them depends on the inputs."""

POOLS = frozenset({
    "AdaptiveMaxPool2D", "AdaptiveMaxPool3D", "Amax", "Max", "MaxPool1DWithIndices", "MaxPool2D",
    "MaxPool2DWithIndices", "MaxPool3DWithIndices",
})  # fmt: skip
"""Steps that pass the gradient to the largest activation."""

ENDS = frozenset({"Clamp", "LogSoftmax", "Sigmoid", "Softmax", "Tanh"})
"""What may follow the logits: no activation that further layers see."""

NAMES = {
    "ApplyTemplate": "compiled code",
    "Bmm": "a product of activations",
    "Celu": "CELU",
    "CompiledFunction": "compiled code",
    "CudnnRnn": "LSTM or GRU",
    "Div": "a quotient of activations",
    "Elu": "ELU or SELU",
    "Gelu": "GELU",
    "Hardtanh": "ReLU6 or Hardtanh",
    "LeakyRelu": "LeakyReLU",
    "MkldnnRnnLayer": "LSTM",
    "Mm": "a product of activations",
    "Mul": "a product of activations",
    "NativeGroupNorm": "GroupNorm",
    "NativeLayerNorm": "LayerNorm",
    "PreluKernel": "PReLU",
    "Relu": "a ReLU that it cannot see",
    "RreluWithNoise": "RReLU",
    "Silu": "SiLU",
}
"""Steps by the names of their layers, where autograd has others."""


def steps(logits: Tensor, inputs: Tensor) -> dict[Node, int]:
    """The steps through which gradients of the logits reach the inputs, and how many operands of each depend on them.

    Steps that concern weights alone are left out. The first is the last that the classifier took.

    Args:
        inputs: a leaf that requires gradients.
    """
    readers, order = _readers(logits)
    start = next((node for node in order if getattr(node, "variable", None) is inputs), None)
    counts: dict[Node, int] = defaultdict(int)
    todo = [] if start is None else [start]
    while todo:
        for reader in readers[todo.pop()]:
            todo += [] if reader in counts else [reader]
            counts[reader] += 1
    return {node: counts[node] for node in order if node in counts}


def without_rule(
    path: Mapping[Node, int], *, ruled: str, passing: frozenset[str], ends: frozenset[str] = frozenset()
) -> list[str]:
    """Names of the steps that are neither linear nor ruled, each once.

    Args:
        path: what `steps` gives.
        ruled: name of the steps that have a rule.
        passing: names of the steps whose plain gradient is right.
        ends: names of the steps that are right if no other follows.
    """
    kinds = {node: _kind(node) for node in path}
    last = next(iter(path), None)
    while last is not None and kinds[last] in ends:
        del kinds[last]
        last = next((below for below, _ in last.next_functions if below in kinds), None)
    right = {ruled} | passing
    strange = [kind for node, kind in kinds.items() if kind not in right and not (kind in PRODUCTS and path[node] == 1)]
    return list(dict.fromkeys(NAMES.get(kind, kind) for kind in strange))


def _readers(logits: Tensor) -> tuple[dict[Node, list[Node]], list[Node]]:
    """For every step those that read its result, an entry for each operand; and all steps, from the logits on."""
    readers: dict[Node, list[Node]] = defaultdict(list)
    order: dict[Node, None] = {}
    todo = [] if logits.grad_fn is None else [logits.grad_fn]
    while todo:
        node = todo.pop()
        if node in order:
            continue
        order[node] = None
        for below, _ in node.next_functions:
            if below is not None:
                readers[below].append(node)
                todo.append(below)
    return readers, list(order)


def _kind(node: Node) -> str:
    """The name of a step as autograd has it, without the number of its variant."""
    name = node.name().rpartition("::")[2]
    if name.startswith("ScaledDotProduct"):
        return "attention"
    if getattr(node, "_saved_training", False):
        return "a norm of batch statistics"
    return name.partition("Backward")[0]
