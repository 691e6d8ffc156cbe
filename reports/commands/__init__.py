"""Commands that print. This folder is part of the command line, hence free to import anything."""
