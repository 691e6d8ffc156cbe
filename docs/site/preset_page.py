"""The page of presets: every key with its type, default and meaning; and the JSON schema beside it."""

import json

import prose

from roarbench.benchmark.matrix import presets
from roarbench.benchmark.matrix.schema import schema

PATH = "reference/presets.md"
SCHEMA = "roarbench.schema.json"

INTRO = f"""# Presets

A preset is a TOML file. `run --config mine.toml` reads it, and every key is an option of the command line, too.
A key that is left out has its default.

```toml
#:schema ./{SCHEMA}
# My explainer on Fashion-MNIST.
datasets = ["fashion_mnist[train=2000,test=2000]"]
explainers = ["random", "integrated_gradients", "my_file:MyExplainer"]
seeds = 3

[recipe]
epochs = 5
```

## In an editor

Editors with Taplo, such as VS Code with Even Better TOML, complete and check the keys. Save the schema beside your file
and begin the file with the line `#:schema ./{SCHEMA}`. Get it [here]({SCHEMA}), or write it:

```console
$ python -m roarbench.benchmark.matrix.schema > {SCHEMA}
```

## Keys
"""


def pages() -> dict[str, str]:
    """Path of a page or file -> its text."""
    return {PATH: page(), f"reference/{SCHEMA}": json.dumps(schema(), indent=2)}


def page() -> str:
    """Every key of a preset, and the presets that are shipped."""
    keys = schema()["properties"]
    recipe = keys["recipe"]["properties"]
    shipped = ([f"`{name}`", prose.literal(presets.summary(name))] for name in presets.names())
    return "\n".join([
        INTRO, prose.keys({name: key for name, key in keys.items() if name != "recipe"}),
        "## Keys of `[recipe]`\n\nHow classifiers are trained.\n", prose.keys(recipe),
        "## Shipped presets\n", prose.table(("`--config`", "what it measures"), shipped),
    ])  # fmt: skip
