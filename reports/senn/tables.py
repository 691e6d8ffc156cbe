"""Tables of SENN: measures by condition, and accuracy against lambda with the published values beside ours."""

import pandas as pd

from roarbench.benchmark.results.statistics import INTERVAL, summarise
from roarbench.reports.rows.style import CUT, percent, share, signed, span
from roarbench.reports.senn.results import MEASURES, published
from roarbench.reports.tables.table import Table

CONDITION = ["name", "robustness", "robust_weight"]
SHOWN = {
    "accuracy": "accuracy", "relevance": "|theta|", "relative_inputs": "Lipschitz x",
    "relative_concepts": "Lipschitz h", "faithfulness": "faithful", "residual_ratio": "residual", "cosine": "cosine",
}  # fmt: skip
FORMS = {"accuracy": percent, "faithfulness": signed, "cosine": signed}
"""Of measures that have bounds; all others are at least 0."""
HOW = (
    "Accuracy in %. |theta|: mean norm of the relevances of the predicted class. Lipschitz: largest change of the "
    "relevances, divided by the distance of inputs (x) or concepts (h) and by |theta|. Faithful: correlation between "
    "the contributions of concepts and the fall of the probability without each. Residual: norm of the part of the "
    "gradient that relevances do not explain, relative to the gradient. Cosine: cosine similarity of theta^T J h and "
    "the gradient. Lower is better for Lipschitz and residual, higher for faithful and cosine. On the test split; "
    f"mean ± half-width of the {INTERVAL} over n = {{n}} trainings, of the epoch with the best validation accuracy. "
    f"{{cut}}"
)


def measures(finals: pd.DataFrame, title: str) -> Table:
    """A row for each condition."""
    several = [name for name in ("dataset", "concepts") if finals[name].nunique() > 1]
    groups = {_named(key): rows for key, rows in finals.groupby([*several, *CONDITION], sort=False)}
    index = pd.Index(groups, name="condition")
    summaries = {name: [summarise(rows[name].dropna()) for rows in groups.values()] for name in MEASURES}
    shown = {label: [FORMS.get(name, share)(s, s.n) for s in summaries[name]] for name, label in SHOWN.items()}
    numbers = {
        (name, number): [getattr(s, number) for s in by]
        for name, by in summaries.items() for number in ("mean", "half_width", "n")
    }  # fmt: skip
    counts = sorted({summary.n for summary in summaries["accuracy"]})
    note = HOW.format(n=span(counts), cut=CUT)
    return Table("measures", title, pd.DataFrame(shown, index=index), pd.DataFrame(numbers, index=index), (note,), True)


def sweep(finals: pd.DataFrame) -> Table:
    """Accuracy by lambda, a column for each form of the loss, and the published one."""
    dataset = str(finals.dataset.iloc[0])
    weights = sorted(set(finals.robust_weight))
    columns = {
        name: [summarise(rows[rows.robust_weight == weight].accuracy) for weight in weights]
        for name, rows in finals.groupby("name", sort=False)
    }
    theirs = dict(published(finals).set_index("robust_weight").accuracy)
    index = pd.Index([f"{weight:g}" for weight in weights], name="lambda")
    shown = {name: [percent(s, s.n) if s.n else "–" for s in by] for name, by in columns.items()}
    if theirs:
        shown["published"] = [f"{100 * theirs[weight]:.1f}" if weight in theirs else "–" for weight in weights]
    numbers = {
        (name, number): [getattr(s, number) for s in by]
        for name, by in columns.items() for number in ("mean", "half_width", "n")
    }  # fmt: skip
    note = (
        f"Test accuracy in %, mean ± half-width of the {INTERVAL} over trainings. Published: best validation "
        "accuracy of the reproduction (mean over its seeds), whose loss is the one called reproduction here."
    )
    caption = f"Accuracy against lambda, the weight of the robustness loss. {dataset}."
    return Table("sweep", caption, pd.DataFrame(shown, index=index), pd.DataFrame(numbers, index=index), (note,), True)


def _named(key: tuple) -> str:
    *of, name, robustness, weight = key
    return ", ".join([*of, name, *([] if robustness in name else [robustness]), f"lambda {weight:g}"])
