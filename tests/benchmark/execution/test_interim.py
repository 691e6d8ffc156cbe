"""What is known so far is said soon, then ever less often, and never holds the work up."""

from threading import Event

from roarbench.benchmark.execution.interim import AGAIN, FIRST, Interim


class Clock:
    """A clock that stands still until it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def looked(interim: Interim, clock: Clock, seconds: float, said: list[str]) -> None:
    """Looks at a time, and waits for what is said."""
    clock.now = seconds
    interim.look(None, said.append)
    interim.close()


def test_an_answer_follows_whenever_as_much_time_again_has_passed() -> None:
    clock, said = Clock(), list[str]()
    interim = Interim(lambda _: iter([f"{clock.now:g}"]), clock)
    for seconds in range(int(10 * FIRST)):
        looked(interim, clock, float(seconds), said)
    assert said == [f"{FIRST * factor:g}" for factor in (1, 2, 4, 8)]


def test_where_nothing_is_known_it_is_asked_again_soon() -> None:
    clock, said, answers = Clock(), list[str](), iter([[], ["known"]])
    interim = Interim(lambda _: iter(next(answers)), clock)
    looked(interim, clock, FIRST, said)
    looked(interim, clock, FIRST + AGAIN, said)
    assert said == ["known"]


def test_work_goes_on_while_an_answer_is_made() -> None:
    clock, said, made = Clock(), list[str](), Event()
    interim = Interim(lambda _: iter(["late"] if made.wait() else []), clock)
    clock.now = FIRST
    interim.look(None, said.append)
    interim.look(None, said.append)  # no second one beside it
    assert said == []
    made.set()
    interim.close()
    assert said == ["late"]
