"""Set-ups beside pip: what they name is there, and nothing in them belongs to one machine."""

from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
PYPROJECT = (PROJECT / "pyproject.toml").read_text().splitlines()
yaml = pytest.importorskip("yaml")


def test_the_environment_of_conda_installs_this_project_alone() -> None:
    environment = yaml.safe_load((PROJECT / "environment.yml").read_text())
    python, pip, packages = environment["dependencies"]
    assert (environment["name"], pip, packages) == ("roarbench", "pip", {"pip": ["--editable ."]})
    least = next(line for line in PYPROJECT if line.startswith("requires-python")).strip('"').rpartition("3.")[2]
    assert python.startswith("python=3.") and int(python.removeprefix("python=3.")) >= int(least)


def test_the_image_is_made_of_files_that_are_there() -> None:
    lines = (PROJECT / "Dockerfile").read_text().splitlines()
    install = next(line for line in lines if line.startswith("RUN"))
    assert "--constraint constraints.txt --editable ." in install and (PROJECT / "constraints.txt").exists()
    assert lines[-1] == 'ENTRYPOINT ["roarbench"]' and 'roarbench = "roarbench.run_benchmark:main"' in PYPROJECT
