"""Tables, figures and pages, rendered from the rows of a run; nothing here imports torch."""

if not __name__.startswith("roarbench."):
    raise ImportError(f"no other package {__name__} is installed, and that of roarbench is roarbench.{__name__}")
