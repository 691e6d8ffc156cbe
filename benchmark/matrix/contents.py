"""What plug-ins are made of: code below the current folder, and the files and folders that their parameters name."""

import hashlib
from collections.abc import Iterator

from roarbench.benchmark.matrix import source
from roarbench.benchmark.matrix.spec import PlugIn


def files(identity: PlugIn) -> dict[str, str]:
    """Checksums of the user's own files that a plug-in is made of: its code, and what its parameters name."""
    checksums: dict[str, str] = {}
    for part in parts(identity):
        checksums |= _code(part.name) | contents(part)
    return checksums


def parts(identity: PlugIn) -> Iterator[PlugIn]:
    """A plug-in and those among its parameters."""
    yield identity
    for _, value in identity.parameters:
        if isinstance(value, PlugIn):
            yield from parts(value)


def contents(identity: PlugIn) -> dict[str, str]:
    """Checksums of what its own parameters name: files, and folders where it takes a path."""
    paths = dict(identity.handling)
    return {str(paths[name]): str(value) for name, value in identity.parameters if name in paths}


def own_code(name: str) -> str:
    """Checksum of the code below the current folder that a plug-in of the user's own uses; empty where there is none.

    Nothing is imported for it.
    """
    code = _code(name)
    return hashlib.sha256("\n".join(sorted(code.values())).encode()).hexdigest()[:16] if code else ""


def _code(name: str) -> dict[str, str]:
    """File -> checksum of the code below the current folder that a plug-in of the user's own uses."""
    module, own, attribute = name.partition(":")
    source.look_here()
    return source.code(module, attribute) if own else {}
