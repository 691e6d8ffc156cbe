"""One piece of work, done in a worker process or here: any exception becomes an outcome."""

import errno
import traceback

from roarbench.benchmark.attribution.guard import preserved
from roarbench.benchmark.execution import runner
from roarbench.benchmark.execution.evaluator import evaluate, train_evaluator
from roarbench.benchmark.execution.folds import train_fold
from roarbench.benchmark.execution.processes import in_worker
from roarbench.benchmark.execution.queue import Work
from roarbench.benchmark.execution.recursion import measure_chain
from roarbench.benchmark.execution.workplace import Workplace, forget_data
from roarbench.benchmark.matrix.spec import Fold, Original
from roarbench.benchmark.matrix.work import Bundle, Chain, Shared, Trial
from roarbench.benchmark.results.provenance import provenance
from roarbench.benchmark.results.store import Outcome
from roarbench.methods.base import Skip

NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def attempt(work: Work, place: Workplace) -> list[Outcome]:
    """Does one piece of work; the single place where any exception becomes an outcome, of all of it.

    Returns:
        One outcome of a training or of all of the work; those of the cells of a bundle or chain; one of a group, and
        those of the cells that were measured with its pass.
    """
    try:
        with preserved():
            return _done(work, place)
    except Skip as skip:
        return [Outcome("skipped", reason=str(skip))]
    except BaseException as error:
        if isinstance(error, OSError) and error.errno in NO_SPACE:
            raise
        if isinstance(error, KeyboardInterrupt) and not in_worker():
            raise  # the user's, not that of an explainer
        forget_data()
        return [Outcome("failed", reason=_reason(error), provenance=provenance(place.device))]


def _reason(error: BaseException) -> str:
    """Kind and first line of an error, and its traceback, in characters that every file and terminal takes."""
    lines = [line.strip() for line in _text(error).splitlines() if line.strip()]
    reason = f"{': '.join([type(error).__name__, *lines[:1]])}\n\n{traceback.format_exc()}"
    return reason.encode(errors="backslashreplace").decode()


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # the class may be the user's
        return ""


def _done(work: Work, place: Workplace) -> list[Outcome]:
    """Outcomes of one piece of work."""
    if isinstance(work, Trial):
        runner.try_explainer(work.ranking, place)
        return [Outcome("done")]
    if isinstance(work, Original):
        return [runner.train_original(work, place)]
    if isinstance(work, Fold):
        return [train_fold(work, place)]
    if isinstance(work, Shared):
        return [train_evaluator(work.cell, place)]
    if isinstance(work, Bundle) and work.cells[0].evaluator:
        return evaluate(work.cells, place)
    if isinstance(work, Bundle) and not work.cells[0].retrain:
        return runner.measure_kept(work.cells, place)
    if isinstance(work, Bundle):
        alone = len(work.cells) == 1
        return [runner.measure(work.cells[0], place)] if alone else runner.measure_together(work.cells, place)
    if isinstance(work, Chain):
        return measure_chain(work.cells, place)
    return [Outcome("done"), *runner.rank(work.rankings, place, work.assessed, work.splits)]
