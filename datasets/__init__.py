"""Data sets by name. A value is "module:function"; nothing is imported before it is used.

A data set is a function `name(data_root: Path, *, parameters...) -> Dataset`.
"""

DATASETS: dict[str, str] = {
    "digits": "datasets.digits:digits",
    "mnist": "datasets.vision:mnist",
    "fashion_mnist": "datasets.vision:fashion_mnist",
    "cifar10": "datasets.vision:cifar10",
    "cifar100": "datasets.vision:cifar100",
    "image_folder": "datasets.folder:image_folder",
    "noise": "datasets.noise:noise",
    "arrays": "datasets.folder:arrays",
    "compas": "datasets.tabular:compas",
    "roar_toy": "datasets.tabular:roar_toy",
    "squares": "datasets.synthetic:squares",
    "blocks": "datasets.synthetic:blocks",
}
