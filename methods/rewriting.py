"""Copies of a network whose functions are modules, each used once: what Captum can hook. The weights are shared."""

import copy
from collections.abc import Callable, Collection, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import GraphModule, Node, Tracer

from roarbench.methods.base import Skip
from roarbench.methods.rectifiers import in_place, rectifies

Makers = Mapping[Callable[..., Any], Callable[..., nn.Module | None]]
"""Function of a tensor -> what makes a module of its other arguments; None where it cannot."""


class UntraceableError(Exception):
    """torch.fx cannot follow the forward pass of a network."""


def in_modules(network: nn.Module, makers: Makers, kinds: Collection[type[nn.Module]]) -> tuple[GraphModule, bool]:
    """A copy in which every ReLU, and every call of a function that has a maker, is a module of its own.

    Args:
        network: in eval mode; it is left unchanged, and the copy sees later changes of its weights.
        kinds: modules without weights that must not be in place nor used twice; each call gets one of its own.

    Returns:
        The copy, and whether it was needed: False where the network is so already.

    Raises:
        UntraceableError: the forward pass depends on values, or leaves Python.
    """
    traced = _traced(network)
    used: set[nn.Module] = set()
    changed = repeated(network)  # Captum would hook such a module twice
    for node in list(traced.graph.nodes):
        module = _module(node, traced, makers) if node.op != "call_module" else _own(node, traced, kinds, used)
        if module is not None:
            _replace(node, module, traced, changes=_changes_argument(node, traced))
            changed = True
    traced.delete_all_unused_submodules()
    traced.recompile()
    return traced, changed


def chain(traced: GraphModule) -> list[nn.Module] | str:
    """The modules of a network in which each reads just what the one before it wrote; else what breaks the chain."""
    traced.graph.eliminate_dead_code()  # such as the size of a batch, for a view that became a flattening
    first, *nodes, last = traced.graph.nodes
    if any(len(node.all_input_nodes) > 1 for node in nodes):
        return "residual sums and products have"
    modules: list[nn.Module] = []
    for node in nodes:
        if node.op != "call_module" or node.args != (first,):
            return f"{getattr(node.target, '__name__', node.target)} has"
        modules.append(traced.get_submodule(str(node.target)))
        first = node
    return modules if last.args == (first,) else "outputs beside the logits have"


def repeated(network: nn.Module) -> bool:
    """Whether a module has two names."""
    modules = [module for _, module in network.named_modules(remove_duplicate=False)]
    return len(set(modules)) < len(modules)


def require_python(network: nn.Module, method: str) -> None:
    """Refuses what no hook and no mode of Python can look into.

    Raises:
        Skip: a part of the network was compiled by torch.jit.
    """
    if any(isinstance(module, torch.jit.ScriptModule) for module in network.modules()):
        raise Skip(f"{method} cannot look into a network that torch.jit compiled; give the Python one")


class _Tracer(Tracer):
    """Keeps the first layer as it is, beside those of torch: who counts passes looks there."""

    def __init__(self, first: nn.Module) -> None:
        super().__init__()
        self.first = first

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Whether a module is one step of the graph."""
        return m is self.first or super().is_leaf_module(m, module_qualified_name)


def _traced(network: nn.Module) -> GraphModule:
    first = next(module for module in network.modules() if not any(module.children()))
    try:
        return GraphModule(network, _Tracer(first).trace(network))
    except Exception as error:  # forward may be the user's: whatever goes wrong in it, it cannot be traced
        raise UntraceableError(str(error).partition("\n")[0]) from error


def _function(node: Node) -> Callable[..., Any] | None:
    if node.op == "call_function":
        return node.target  # type: ignore[return-value]
    return getattr(Tensor, str(node.target), None) if node.op == "call_method" else None


def _module(node: Node, traced: GraphModule, makers: Makers) -> nn.Module | None:
    """What a call of a function becomes, if anything."""
    function = _function(node)
    if function is None or not node.args:
        return None
    if rectifies(function, node.args, node.kwargs):
        return nn.ReLU()
    make = makers.get(function)
    return make(*node.args[1:], **node.kwargs) if make else None


def _own(node: Node, traced: GraphModule, kinds: Collection[type[nn.Module]], used: set[nn.Module]) -> nn.Module | None:
    """What a call of a module becomes, if it is in place or not the first."""
    module = traced.get_submodule(str(node.target))
    if type(module) not in kinds:
        return None
    again, changes = module in used, bool(getattr(module, "inplace", False))
    used.add(module)
    fresh = copy.deepcopy(module) if again or changes else None
    if changes:
        fresh.inplace = False  # type: ignore[union-attr]
    return fresh


def _changes_argument(node: Node, traced: GraphModule) -> bool:
    """Whether a call is in place."""
    if node.op == "call_module":
        return bool(getattr(traced.get_submodule(str(node.target)), "inplace", False))
    function = _function(node)
    return bool(node.kwargs.get("inplace")) or (function is not None and in_place(function, node.args, node.kwargs))


def _replace(node: Node, module: nn.Module, traced: GraphModule, *, changes: bool) -> None:
    """Puts a module in the place of a call; where that was in place, later readers of its argument read the module."""
    name, argument = f"own_{node.name}", node.args[0]
    traced.add_submodule(name, module)
    with traced.graph.inserting_after(node):
        own = traced.graph.call_module(name, (argument,))
    node.replace_all_uses_with(own)
    nodes = list(traced.graph.nodes)
    if changes and isinstance(argument, Node):
        for later in nodes[nodes.index(own) + 1 :]:
            later.replace_input_with(argument, own)
    traced.graph.erase_node(node)
