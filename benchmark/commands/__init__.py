"""Commands that measure. This folder is part of the command line, hence free to import anything."""
