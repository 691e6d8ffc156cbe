"""How plug-ins are written: "name" or "name[parameter=value,...]", where a value may be another plug-in. Text only."""

import difflib
from collections.abc import Collection


def parse(text: str) -> tuple[str, dict[str, str]]:
    """Splits the name from its parameters.

    >>> parse("vargrad[base=integrated_gradients[steps=50],samples=5]")
    ('vargrad', {'base': 'integrated_gradients[steps=50]', 'samples': '5'})

    Raises:
        ValueError: brackets or equals signs that do not add up, a parameter given twice.
    """
    name, bracket, rest = text.strip().partition("[")
    if not name or text.count("[") != text.count("]") or (bracket and not rest.endswith("]")):
        raise ValueError(f"expected name or name[parameter=value,...], got {text!r}")
    pairs = [part.partition("=") for part in _split(rest[:-1])] if bracket else []
    for parameter, equals, value in pairs:
        if not (parameter.strip() and equals and value.strip()):
            raise ValueError(f"expected parameter=value inside the brackets of {text!r}, got {parameter + equals!r}")
    parameters = {parameter.strip(): value.strip() for parameter, _, value in pairs}
    if len(parameters) < len(pairs):
        raise ValueError(f"expected each parameter once, got {text!r}")
    return name, parameters


def suggestion(word: str, choices: Collection[str]) -> str:
    """`; did you mean 'x'?` for the nearest choice, otherwise the list of choices."""
    near = difflib.get_close_matches(word, choices, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; choose from {', '.join(sorted(choices)) or 'none'}"


def _split(text: str) -> list[str]:
    """Splits at commas outside brackets."""
    parts, depth = [""], 0
    for character in text:
        depth += {"[": 1, "]": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts
