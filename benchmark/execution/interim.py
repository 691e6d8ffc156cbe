"""What is known so far of a run that goes on, said beside the work: nobody waits for the end to see a table."""

import time
from collections.abc import Callable, Iterator
from threading import Thread

Answer = Callable[[float | None], Iterator[str]]
"""Seconds left, as far as is known -> lines of text; nothing where nothing is known yet. It must not fail."""

FIRST = 8.0
"""Seconds after which there is a first answer; another follows whenever as much time again has passed."""

AGAIN = 3.0
"""Seconds after which it is tried again where nothing is known yet."""


class Interim:
    """Asks for an answer, now and then, and has it said.

    It is asked for in a thread, so that work is handed out meanwhile.
    """

    def __init__(self, answer: Answer, clock: Callable[[], float] = time.monotonic) -> None:
        """The first answer is due `FIRST` seconds from now.

        Args:
            clock: gives seconds.
        """
        self.answer, self.clock, self.started, self.wait = answer, clock, clock(), FIRST
        self.asking: Thread | None = None

    def look(self, seconds_left: float | None, say: Callable[[str], None]) -> None:
        """Asks where an answer is due.

        Args:
            seconds_left: until the run ends, as far as is known.
            say: is given each part of the answer.
        """
        passed = self.clock() - self.started
        if passed >= self.wait and not self.asking:
            self.asking = Thread(target=self._ask, args=(seconds_left, say, passed), daemon=True)
            self.asking.start()

    def close(self) -> None:
        """Waits for an answer that is under way."""
        if self.asking:
            self.asking.join()

    def _ask(self, seconds_left: float | None, say: Callable[[str], None], passed: float) -> None:
        self.wait = passed + AGAIN
        for text in self.answer(seconds_left):
            say(text)
            self.wait = 2 * (self.clock() - self.started)
        self.asking = None
