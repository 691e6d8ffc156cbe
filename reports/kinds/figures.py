"""The kinds of figures, in the order in which one looks at them; add yours here."""

from roarbench.reports.kinds.kind import Kind, OfDrawable
from roarbench.reports.pictures.beside import beside_plots
from roarbench.reports.pictures.consistency import heat_maps
from roarbench.reports.pictures.cost import cost_plots
from roarbench.reports.pictures.critical_difference import diagrams
from roarbench.reports.pictures.curves import plots
from roarbench.reports.pictures.differences import difference_plots
from roarbench.reports.pictures.drawing import Picture
from roarbench.reports.pictures.forest import forests
from roarbench.reports.pictures.gallery import galleries
from roarbench.reports.pictures.leaks import leak_plots
from roarbench.reports.pictures.pairs import pair_maps
from roarbench.reports.pictures.plane import planes
from roarbench.reports.pictures.standing import standing_plots

FIGURES: tuple[Kind[Picture], ...] = (
    Kind(
        "leaderboard",
        "Leaderboard",
        "Explainers by their gain over random, with intervals, groups and flags.",
        forests,
    ),
    Kind(
        "standing",
        "Retraining and label leakage",
        (
            "Gains of the same explainers after retraining, by the shared evaluator, and compared with masks of other "
            "images."
        ),
        OfDrawable(standing_plots),
    ),
    Kind("beside", "Yours", "Curves of the highlighted explainers, of the baseline and of random.", beside_plots),
    Kind("curves", "Curves", "Accuracy against the share of features removed.", OfDrawable(plots)),
    Kind(
        "difference",
        "Differences to random",
        "Gain over features drawn at random, with its interval.",
        OfDrawable(difference_plots),
    ),
    Kind(
        "plane",
        "Fidelity against interpretability",
        "Fidelity against the hidden share of features.",
        OfDrawable(planes),
    ),
    Kind(
        "masks_retrained",
        "Label leakage",
        "Accuracy after retraining, against accuracy from the mask alone.",
        OfDrawable(leak_plots),
    ),
    Kind(
        "cost_quality",
        "Cost and quality",
        "Gain over random against what an explanation costs.",
        OfDrawable(cost_plots),
    ),
    Kind("consistency", "Consistency", "Rank correlation of every two ways of measuring.", OfDrawable(heat_maps)),
    Kind("pairs", "Every pair", "Differences between every two explainers.", OfDrawable(pair_maps)),
    Kind(
        "critical_difference",
        "Over data sets",
        "Mean ranks; a bar joins those that do not differ significantly.",
        OfDrawable(diagrams),
    ),
    Kind("gallery", "Gallery", "Images with the ranks of explainers, and as retrained networks see them.", galleries),
)
