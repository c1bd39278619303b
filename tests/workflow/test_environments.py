"""What conda, pip and containers install: one set of versions, and what the code imports."""

from __future__ import annotations

import ast
import re
import sys
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.utils import canonicalize_name

from speclm.study.conda import NEEDED, TARGET, complete, locked_versions

ROOT = Path(__file__).parents[2]
ENVS = sorted((ROOT / "envs").glob("*.yaml"))
VERSIONS = locked_versions(ROOT / "envs")
# Imported within functions that stages of these roles do not call.
NOT_CALLED = {
    "psutil": {"data", "train-cpu", "train-cuda", "report", "tracking"},  # which Snakemake's own process asks
    "torch": {"report", "tracking"},  # of stages on a GPU or of several processes
    "datasets": {"report"},  # which reads documents; the data card is of what was read
    "huggingface-hub": {"report"},
}
DISTRIBUTIONS = packages_distributions()
CALLS = {"read_parquet": "pyarrow", "to_parquet": "pyarrow"}  # pandas' functions that import it


def pins(text: str) -> dict[str, str]:
    """The packages that pip installs of an environment's file, and their versions."""
    (pip,) = [entry["pip"] for entry in yaml.safe_load(text)["dependencies"] if isinstance(entry, dict)]
    return dict(entry.split("==") for entry in pip)


def upper(path: Path) -> dict[str, str]:
    """The pins that are written by hand."""
    return pins(path.read_text().partition(NEEDED)[0])


def roles() -> dict[str, set[str]]:
    """The rules of every role."""
    found: dict[str, set[str]] = {path.stem: set() for path in ENVS}
    for file in sorted((ROOT / "rules").glob("*.smk")):
        for name, body in re.findall(
            r"^(?:rule|checkpoint) (\w+):\n(.*?)(?=^\S|\Z)", file.read_text(), flags=re.M | re.S
        ):
            (conda,) = re.findall(r"^    conda:\n(.*?)^    \w", body, flags=re.M | re.S)
            for role in re.findall(r'"\.\./envs/([\w-]+)\.yaml"', conda):
                found[role].add(name)
    return found


def imports(path: Path) -> set[str]:
    """The distributions of other people's code that a file imports anywhere, itself or through speclm."""
    found, queue, seen = set(), [path], set()
    while queue:
        if (file := queue.pop()) not in seen:
            seen.add(file)
            others, own = read_imports(file)
            found |= others
            queue += own
    return found


@cache
def read_imports(path: Path) -> tuple[set[str], list[Path]]:
    """The distributions, and the files of speclm, that a file itself imports."""
    modules, found = set(), set()
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Import(names=names):
                modules |= {alias.name for alias in names}
            case ast.ImportFrom(module=str(module), names=names, level=0):
                modules |= {module, *(f"{module}.{alias.name}" for alias in names)}
            case ast.Call(func=ast.Attribute(attr="find_spec"), args=[ast.Constant(value=str(module))]):
                modules.add(module)
            case ast.Attribute(attr=str(name)) if name in CALLS:
                found.add(CALLS[name])
    files = [(ROOT / "workflow").joinpath(*name.split(".")).with_suffix(".py") for name in modules]
    tops = {name.partition(".")[0] for name in modules} - sys.stdlib_module_names
    found |= {distribution(top) for top in tops if top in DISTRIBUTIONS}
    return found, [file for file in files if file.exists() and file.is_relative_to(ROOT / "workflow/speclm")]


def distribution(module: str) -> str:
    """The distribution that a module comes from; the one that is asked for by name, where several share it."""
    several = sorted(canonicalize_name(name) for name in set(DISTRIBUTIONS[module]))
    return next((name for name in several if name in asked()), several[0])


@cache
def asked(file: str = "requirements.in") -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / "envs" / file).read_text(), flags=re.M))


def corpora() -> set[str]:
    """The packages whose docstrings are text to train on."""
    rows = (ROOT / "config/datasets.tsv").read_text().splitlines()[1:]
    return {package for row in rows if row.split("\t")[1] == "installed_docs" for package in row.split("\t")[2].split()}


@pytest.mark.parametrize("path", ENVS, ids=lambda path: path.stem)
def test_an_environment_pins_what_the_locks_pin_down_to_the_last_package(path: Path) -> None:
    assert path.read_text() == complete(path.read_text(), ROOT / "envs"), "make lock"
    assert {name: VERSIONS[name] for name in pins(path.read_text())} == pins(path.read_text())


@pytest.mark.parametrize("path", ENVS, ids=lambda path: path.stem)
def test_an_environment_holds_what_its_rules_import_and_nothing_else(path: Path) -> None:
    rules = roles()[path.stem]
    assert rules
    needed = set().union(*(imports(ROOT / f"scripts/{rule}.py") for rule in rules))
    needed -= {package for package, where in NOT_CALLED.items() if path.stem in where}
    if path.stem == "data":
        needed |= corpora()
    if path.stem == "train-cuda":
        needed |= {"cuda-toolkit", "nvidia-cudnn-cu13", "nvidia-nccl-cu13", "triton"}
    assert upper(path).keys() == needed


def test_an_import_is_found_wherever_it_stands(tmp_path: Path) -> None:
    """At the top, within a function, through speclm, by its name alone, and behind a function of pandas."""
    file = tmp_path / "stage.py"
    file.write_text(
        "import numpy as np\nfrom speclm.stage.files import read_table\n"
        "def work(table):\n    from sklearn import cluster\n    importlib.util.find_spec('sentencepiece')\n"
        "    table.to_parquet('x')\n"
    )
    assert {"numpy", "scikit-learn", "sentencepiece", "pyarrow", "zstandard", "pandas"} <= imports(file)
    assert not {"torch", "matplotlib"} & imports(file)


def test_conda_has_the_python_that_the_locks_are_made_for() -> None:
    for path in ENVS:
        environment = yaml.safe_load(path.read_text())
        assert environment["channels"] == ["conda-forge", "nodefaults"]
        exact = dict(entry.split("=") for entry in environment["dependencies"] if isinstance(entry, str))
        assert exact["python"] == TARGET["python_full_version"]
        assert re.fullmatch(r"\d+\.\d+\.\d+", exact["pip"])


def test_what_the_code_imports_is_asked_for_by_name() -> None:
    files = [path for folder in ("workflow", "scripts", "tests") for path in (ROOT / folder).rglob("*.py")]
    assert set().union(*map(imports, files)) | corpora() <= {**asked(), **asked("bench.in")}.keys()


def test_every_requirement_is_locked_as_asked() -> None:
    assert {name: VERSIONS[name] for name in asked()} == asked()


def test_locks_name_no_host() -> None:
    for path in (ROOT / "envs").glob("*.txt"):
        assert "://" not in path.read_text()


def test_images_are_made_of_the_locks_by_the_script_that_makes_the_environment() -> None:
    """Docker's and Apptainer's hold the same files on the Python that conda has, and nothing else is installed."""
    script = (ROOT / "envs/install.sh").read_text()
    files = {"install.sh", *re.findall(r"-r envs/(\S+)", script)}
    assert files == {"install.sh", "lock.txt", "torch-cpu.txt", "torch-cuda.txt"}
    assert "--require-hashes --no-deps" in script
    image = f"python:{TARGET['python_full_version']}-slim-bookworm"
    docker = (ROOT / "envs/Dockerfile").read_text()
    assert set(re.findall(r"^FROM (\S+)", docker, flags=re.M)) == {image}
    assert set(re.findall(r"^COPY (?!--from)(.*) /opt/speclm/envs/$", docker, flags=re.M)) == {" ".join(sorted(files))}
    assert re.search(r"^USER [1-9]\d*$", docker, flags=re.M)
    apptainer = (ROOT / "envs/speclm.def").read_text()
    assert re.findall(r"^From: (\S+)", apptainer, flags=re.M) == [image]
    copied = re.findall(r"^    envs/(\S+) /opt/speclm/envs/(\S+)$", apptainer, flags=re.M)
    assert {source for source, _ in copied} == files == {target for _, target in copied}
    for definition in (docker, apptainer):
        assert len(re.findall(r"bash /opt/speclm/envs/install\.sh$", definition, flags=re.M)) == 1
        assert "pip install" not in definition
