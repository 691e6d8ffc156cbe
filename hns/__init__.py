"""Hide-and-Seek: a hider learns which pixels to keep, a seeker classifies what is left."""

if not __name__.startswith("roarbench."):
    raise ImportError(f"no other package {__name__} is installed, and that of roarbench is roarbench.{__name__}")
