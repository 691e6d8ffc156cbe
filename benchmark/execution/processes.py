"""Who does work on this machine: worker processes, which begin again when one dies, or this process."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import wait as wait_for_end
from multiprocessing.process import BaseProcess

from roarbench.benchmark.networks.precision import exact


class SerialExecutor(Executor):
    """Does submitted work at once, in this process: for debugging."""

    def submit(self, work: Callable, /, *arguments: object, **keywords: object) -> Future:
        future: Future = Future()
        future.set_result(work(*arguments, **keywords))
        return future


class Processes(Executor):
    """Worker processes of one thread each, so that their number never changes a number.

    When a worker dies, all work in flight fails with `BrokenExecutor`, and `renew` begins again with fresh workers.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._seen: dict[int | None, BaseProcess] = {}
        self._pool = self._fresh()

    def submit(self, work: Callable, /, *arguments: object, **keywords: object) -> Future:
        future = self._pool.submit(work, *arguments, **keywords)
        self._seen |= {worker.pid: worker for worker in multiprocessing.active_children()}
        return future

    def renew(self) -> str:
        """Fresh workers in place of those that died.

        Returns:
            How the first of them died, such as "killed by SIGSEGV"; empty where that is not known.
        """
        self._pool.shutdown(wait=True, cancel_futures=True)
        died = [_death(worker.exitcode) for worker in self._seen.values() if worker.exitcode is not None]
        self._seen.clear()
        self._pool = self._fresh()
        return next((how for how in died if how != _death(-signal.SIGTERM)), "")  # SIGTERM: ended for another's death

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._pool.shutdown(wait=wait, cancel_futures=cancel_futures)

    def _fresh(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self.workers, mp_context=context, initializer=_start_worker)


@contextmanager
def executor(workers: int) -> Iterator[Executor]:
    """Worker processes, or this process for 0."""
    if workers == 0:
        exact()
        yield SerialExecutor()
        return
    processes = Processes(workers)
    try:
        with _one_bar():
            yield processes
    except BaseException:  # Ctrl-C too: do not wait for the cells in flight
        for worker in multiprocessing.active_children():
            worker.terminate()
        raise
    finally:
        processes.shutdown(cancel_futures=True)  # waits until what the processes shared is given back


def in_worker() -> bool:
    """Whether this is a worker process: Ctrl-C never reaches it."""
    return multiprocessing.parent_process() is not None


@contextmanager
def _one_bar() -> Iterator[None]:
    """No progress bars in the worker processes that start meanwhile: the one of all tasks is enough."""
    before = os.environ.get("TQDM_DISABLE")
    os.environ["TQDM_DISABLE"] = "1"  # tqdm reads it when it is imported
    try:
        yield
    finally:
        os.environ.pop("TQDM_DISABLE")
        if before is not None:
            os.environ["TQDM_DISABLE"] = before


def _start_worker() -> None:
    """Ctrl-C is for the driver; a worker ends when the driver does, even by kill -9, and prints to stderr alone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdout = sys.stderr
    exact()
    parent = multiprocessing.parent_process()
    if parent:
        threading.Thread(target=lambda: (wait_for_end([parent.sentinel]), os._exit(1)), daemon=True).start()


def _death(exitcode: int | None) -> str:
    """How a process ended, in words."""
    if exitcode is not None and exitcode < 0:
        names = {number.value: number.name for number in signal.Signals}
        return f"killed by {names.get(-exitcode, f'signal {-exitcode}')}"
    return f"ended with exit status {exitcode}"
