"""Data sets by name. A value is "module:function"; nothing is imported before it is used.

A data set is a function `name(data_root: Path, *, parameters...) -> Dataset`.
"""

if not __name__.startswith("roarbench."):
    raise ImportError(f"no other package {__name__} is installed, and that of roarbench is roarbench.{__name__}")


DATASETS: dict[str, str] = {
    "digits": "roarbench.datasets.digits:digits",
    "mnist": "roarbench.datasets.vision:mnist",
    "fashion_mnist": "roarbench.datasets.vision:fashion_mnist",
    "cifar10": "roarbench.datasets.vision:cifar10",
    "cifar100": "roarbench.datasets.vision:cifar100",
    "image_folder": "roarbench.datasets.folder:image_folder",
    "noise": "roarbench.datasets.noise:noise",
    "arrays": "roarbench.datasets.folder:arrays",
    "hf": "roarbench.datasets.huggingface:hf",
    "torch_dataset": "roarbench.datasets.torch_dataset:torch_dataset",
    "compas": "roarbench.datasets.tabular:compas",
    "roar_toy": "roarbench.datasets.tabular:roar_toy",
    "squares": "roarbench.datasets.textures:squares",
    "bursts": "roarbench.datasets.textures:bursts",
    "cubes": "roarbench.datasets.textures:cubes",
    "blocks": "roarbench.datasets.blocks:blocks",
    "tetrominoes": "roarbench.datasets.tetrominoes:tetrominoes",
}
