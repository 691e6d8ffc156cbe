"""How plug-ins are written: "name" or "name[parameter=value,...]", where a value may be another plug-in. Text only."""

import difflib
import re
from collections.abc import Collection

QUOTED = re.compile(r""""(?:[^"]|"")*"|'(?:[^']|'')*'""")
"""A value in quotes; a quote of its kind that belongs to the value is doubled."""

_HINT = "; a value with commas or brackets needs quotes, as in name[parameter='a,b']"

_QUOTED_VALUE = re.compile(rf"(?<==)\s*(?:{QUOTED.pattern})")


def parse(text: str) -> tuple[str, dict[str, str]]:
    """Splits the name from its parameters. Quotes around a value let it hold commas, brackets and spaces at its ends.

    >>> parse("vargrad[base=integrated_gradients[steps=50],samples=5]")
    ('vargrad', {'base': 'integrated_gradients[steps=50]', 'samples': '5'})
    >>> parse("image_folder[root='a,b',size=32]")
    ('image_folder', {'root': 'a,b', 'size': '32'})

    Raises:
        ValueError: brackets, quotes or equals signs that do not add up, a parameter given twice.
    """
    name, bracket, rest = text.strip().partition("[")
    inside = _parts(rest[:-1])
    if not name or (bracket and not rest.endswith("]")) or (not bracket and "]" in name) or inside is None:
        raise ValueError(f"expected name or name[parameter=value,...], got {text!r}{_HINT}")
    pairs = [part.partition("=") for part in inside] if bracket else []
    for parameter, equals, value in pairs:
        if not (parameter.strip() and equals and value.strip()):
            wrong = parameter + equals
            raise ValueError(f"expected parameter=value inside the brackets of {text!r}, got {wrong!r}{_HINT}")
    parameters = {parameter.strip(): _unquoted(value.strip()) for parameter, _, value in pairs}
    if len(parameters) < len(pairs):
        raise ValueError(f"expected each parameter once, got {text!r}")
    return name, parameters


def quoted(value: str) -> str:
    """A value as `parse` reads it back: in quotes where it would otherwise be read as something else.

    >>> quoted("photos"), quoted("a,b")
    ('photos', '"a,b"')
    """
    try:
        if parse(f"name[parameter={value}]")[1] == {"parameter": value}:
            return value
    except ValueError:
        pass
    mark = "'" if '"' in value and "'" not in value else '"'
    return mark + value.replace(mark, 2 * mark) + mark


def suggestion(word: str, choices: Collection[str]) -> str:
    """`; did you mean 'x'?` for the nearest choice, otherwise the list of choices."""
    near = difflib.get_close_matches(word, choices, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; choose from {', '.join(sorted(choices)) or 'none'}"


def _parts(text: str) -> list[str] | None:
    """The text between commas outside brackets and quotes; None where brackets do not match."""
    parts, depth, start = [], 0, 0
    for position, character in enumerate(_QUOTED_VALUE.sub(lambda value: "_" * len(value[0]), text)):
        depth += {"[": 1, "]": -1}.get(character, 0)
        if depth < 0:
            return None
        if character == "," and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    return [*parts, text[start:]] if depth == 0 else None


def _unquoted(value: str) -> str:
    """A value without the quotes around it.

    Raises:
        ValueError: it begins with a quote and does not end with it.
    """
    if value[0] not in "\"'":
        return value
    if not QUOTED.fullmatch(value):
        raise ValueError(f"expected a value with a quote at both its ends, got {value}; double a quote inside it")
    return value[1:-1].replace(2 * value[0], value[0])
