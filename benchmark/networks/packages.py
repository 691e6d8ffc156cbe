"""What torchvision, timm and transformers know of a model: the network, its preprocessing, its trained weights."""

import difflib
import importlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from roarbench.benchmark.matrix.notation import suggestion

IMAGENET = ("0.485 0.456 0.406", "0.229 0.224 0.225")
"""Mean and standard deviation of ImageNet, with which most networks of libraries were trained."""

PRETRAINED = "pretrained"
"""The one name of weights that timm and transformers know."""

PROCESSOR = "preprocessor_config.json"
"""Where transformers keeps the preprocessing of a network."""

PACKAGES = {"torchvision": "torchvision", "timm": "timm", "hf": "transformers"}
"""Classifier -> the package that it is from; its extra is called as the classifier is."""

State = Mapping[str, Tensor]
"""Weights by name."""


def torchvision_network(model: str, num_classes: int) -> nn.Module:
    """A network of torchvision with fresh weights.

    Raises:
        ValueError: torchvision has no classifier of that name.
    """
    models = package("torchvision").models
    known = models.list_models(module=models)
    if model not in known:
        raise ValueError(f"torchvision[model] {model!r} is not in torchvision{suggestion(model, known)}")
    return models.get_model(model, weights=None, num_classes=num_classes)


def torchvision_constants(model: str, weights: Path) -> tuple[str, str]:
    """Mean and standard deviation for named weights as they are written; those of ImageNet for weights of a file."""
    if is_file(weights):
        return IMAGENET
    made = _torchvision_weights(model, str(weights)).transforms()
    return written({"mean": made.mean, "std": made.std})


def torchvision_state(model: str, name: str) -> State:
    """Weights from the cache of torch, or from the network."""
    entry = _torchvision_weights(model, name)
    file = Path(torch.hub.get_dir(), "checkpoints", Path(entry.url).name)
    try:
        return entry.get_state_dict(progress=False, check_hash=True)
    except (OSError, RuntimeError) as error:
        raise ValueError(_absent(model, f"put {entry.url} into {file.parent}", error)) from error


def timm_network(model: str, num_classes: int | None, *, pretrained: bool) -> Any:
    """A network of timm; without a number of classes it has those of its weights.

    Raises:
        ValueError: timm does not know it.
    """
    library = package("timm")
    if not library.is_model(model):
        near = difflib.get_close_matches(model, library.list_models(), n=1)
        hint = f"did you mean {near[0]!r}?" if near else "timm.list_models() gives the names"
        raise ValueError(f"timm[model] {model!r} is not in timm; {hint}")
    classes = {} if num_classes is None else {"num_classes": num_classes}
    return library.create_model(model, pretrained=pretrained, **classes)


def timm_state(model: str, name: str) -> State:
    """Weights from the cache of the hub, or from the network."""
    _require_pretrained("timm", name)
    try:
        return timm_network(model, None, pretrained=True).state_dict()
    except Exception as error:  # what downloads of the hub raise depends on its version
        place = timm_network(model, None, pretrained=False).pretrained_cfg.get("hf_hub_id") or model
        remedy = f"give weights=FILE, the model.safetensors of huggingface.co/{place}"
        raise ValueError(_absent(model, remedy, error)) from error


def hf_network(model: Path, num_classes: int) -> nn.Module:
    """A network of transformers with fresh weights.

    Raises:
        ValueError: the model is neither here nor can it be downloaded.
    """
    library = package("hf")
    config = _fetched(model, lambda: library.AutoConfig.from_pretrained(str(model), num_labels=num_classes))
    return library.AutoModelForImageClassification.from_config(config).float()


def hf_constants(model: Path) -> tuple[str, str]:
    """Mean and standard deviation of a model as they are written; those of ImageNet where it tells none."""
    return written(_processor(model))


def hf_state(model: str, name: str) -> State:
    """Weights from a folder, from the cache of the hub, or from the network."""
    _require_pretrained("hf", name)
    transformers = package("hf")
    return _fetched(Path(model), lambda: _loaded(transformers.AutoModelForImageClassification, model))


def renamed(network: Any, state: State) -> State:
    """Weights of a file of transformers by the names that its networks have: these differ between versions."""
    if network.state_dict().keys() == state.keys():
        return state
    try:
        return _loaded(type(network), None, config=network.config, state_dict=dict(state))
    except (OSError, ValueError, RuntimeError):
        return state  # of another network: `fill` says what is missing


def is_file(weights: Path) -> bool:
    """Whether weights are a file, and no name: something is there, or it is written as a path."""
    return weights.exists() or bool(weights.suffix) or len(weights.parts) > 1


def written(constants: Mapping[str, Any]) -> tuple[str, str]:
    """Mean and standard deviation as they are written; those of ImageNet where they are not told."""
    told = (constants.get("mean"), constants.get("std"))
    mean, std = (" ".join(map(str, one)) if one else default for one, default in zip(told, IMAGENET, strict=True))
    return mean, std


def package(name: str) -> Any:
    """The package that a classifier is from.

    Raises:
        ValueError: it is not installed.
    """
    try:
        return importlib.import_module(PACKAGES[name])
    except ModuleNotFoundError as error:
        if error.name != PACKAGES[name]:
            raise
        raise ValueError(f"classifier {name} needs the extra {name}: pip install roarbench[{name}]") from None


def _torchvision_weights(model: str, name: str) -> Any:
    """An entry of the table of weights of a model.

    Raises:
        ValueError: it has none of that name.
    """
    table = package("torchvision").models.get_model_weights(model)
    if name not in table.__members__:
        names = ", ".join(table.__members__)
        raise ValueError(f"torchvision[weights] must be a file that is there, or one of {names}, got {name}")
    return table[name]


def _fetched(model: Path, fetch: Callable[[], Any]) -> Any:
    """What transformers reads of a model.

    Raises:
        ValueError: it is neither here nor can it be downloaded.
    """
    try:
        return fetch()
    except (OSError, ValueError, RuntimeError) as error:
        remedy = f"put config.json and model.safetensors of huggingface.co/{model} into a folder, give model=FOLDER"
        raise ValueError(_absent(str(model), remedy, error)) from error


def _processor(model: Path) -> Mapping[str, Any]:
    """What a model says of its preprocessing; nothing where it says nothing."""
    quiet = {"_raise_exceptions_for_missing_entries": False, "_raise_exceptions_for_connection_errors": False}
    file = package("hf").utils.cached_file(str(model), PROCESSOR, **quiet)
    told = json.loads(Path(file).read_text(encoding="utf-8")) if file else {}
    return {name: told[f"image_{name}"] for name in ("mean", "std") if told.get(f"image_{name}")}


def _loaded(kind: Any, model: str | None, **given: Any) -> State:
    """Weights as transformers loads them, all of them.

    Raises:
        ValueError: some are missing, which transformers would draw anew.
    """
    network, report = kind.from_pretrained(model, output_loading_info=True, **given)
    if missing := sorted(report["missing_keys"]):
        raise ValueError(f"{len(missing)} weights are missing, {missing[0]} among them")
    return network.float().state_dict()


def _require_pretrained(name: str, weights: str) -> None:
    if weights != PRETRAINED:
        raise ValueError(f"{name}[weights] must be a file that is there, or {PRETRAINED}, got {weights}")


def _absent(model: str, remedy: str, error: Exception) -> str:
    reason = str(error).partition("\n")[0] or type(error).__name__
    return f"{model} is not here and cannot be downloaded; {remedy} ({reason})"
