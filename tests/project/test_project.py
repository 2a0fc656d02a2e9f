"""The project's small files agree with each other."""

from __future__ import annotations

import re
import tomllib

import yaml

from tests.support.places import ROOT

#: What conda-forge calls otherwise than PyPI.
CONDA_NAMES = {"duckdb": "python-duckdb", "msgspec": "msgspec", "tzdata": "python-tzdata"}


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def requirements() -> list[str]:
    """Everything that pyproject asks for, extras included, but for the package itself."""
    extras = [entry for group in project()["optional-dependencies"].values() for entry in group]
    return [entry for entry in [*project()["dependencies"], *extras] if not entry.startswith("histlib[")]


def name_of(requirement: str) -> str:
    return re.match(r"[A-Za-z0-9_.-]+", requirement)[0].lower()


def test_environment_yml_asks_for_what_pyproject_asks_for():
    """A conda environment has the same packages with the same bounds, under conda-forge's names."""
    wanted = {f"python{project()['requires-python']}"}
    for entry in requirements():
        wanted.add(entry.replace(name_of(entry), CONDA_NAMES.get(name_of(entry), name_of(entry)), 1))
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    listed = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    assert sorted(listed) == sorted(wanted)
    assert environment["channels"] == ["conda-forge"]


def test_the_lock_pins_every_requirement_and_names_no_address():
    """The lock holds one exact version of each requirement, and no index, link or file."""
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    assert all(re.fullmatch(r"[a-z0-9_.-]+(\[[a-z,]+\])?==[^ /:]+( ; .+)?", line) for line in lines), lines
    locked = {name_of(line) for line in lines}
    assert {name_of(entry).replace("_", "-") for entry in requirements()} <= locked


def test_every_requirement_has_a_lower_bound():
    """Nobody gets a release that is older than what the suite has run on."""
    assert [entry for entry in requirements() if ">=" not in entry] == []
