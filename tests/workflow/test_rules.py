"""The shape of the workflow: regular rules, thin scripts, imports that run downwards."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RULE_FILES = sorted((ROOT / "rules").glob("*.smk"))
SCRIPTS = sorted(path for path in (ROOT / "scripts").glob("*.py") if not path.name.startswith("_"))
# the order that snakefmt gives them
FIELDS = ["input", "output", "log", "benchmark", "conda", "threads", "resources", "params", "message", "script"]
ROOMS = [
    "stage",
    "data",
    "cluster",
    "ngram",
    "model",
    "train",
    "study",
    "bench",
]  # each imports only from those before it
LIGHT = ["stage", "data", "cluster", "ngram", "study"]


def rules() -> dict[str, list[str]]:
    """The fields of every rule, in the order they stand."""
    found = {}
    for file in RULE_FILES:
        for name, body in re.findall(
            r"^(?:rule|checkpoint) (\w+):\n(.*?)(?=^\S|\Z)", file.read_text(), flags=re.M | re.S
        ):
            found[name] = re.findall(r"^    (\w+):", body, flags=re.M)
    return found


@pytest.mark.parametrize("name", rules())
def test_a_rule_has_all_fields_in_order(name: str) -> None:
    fields = [field for field in rules()[name] if field != "wildcard_constraints"]
    assert fields == [field for field in FIELDS if field in fields]
    assert set(FIELDS) - set(fields) <= {"input"}


def test_every_rule_has_its_script_and_every_script_its_rule() -> None:
    assert {path.stem for path in SCRIPTS} == set(rules())


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_is_thin_and_says_its_rule(path: Path) -> None:
    text = path.read_text()
    assert 10 <= len(text.splitlines()) <= 60
    assert f"(rule {path.stem})" in (ast.get_docstring(ast.parse(text)) or "")


def test_the_snakefile_is_a_table_of_contents() -> None:
    assert len((ROOT / "Snakefile").read_text().splitlines()) <= 60
    for name in ("common", "inputs"):
        assert len((ROOT / f"rules/{name}.smk").read_text().splitlines()) <= 200


def modules(room: str) -> list[Path]:
    return sorted((ROOT / "workflow/speclm" / room).glob("*.py"))


def imported(path: Path, top_only: bool) -> set[str]:
    tree = ast.parse(path.read_text())
    nodes = tree.body if top_only else list(ast.walk(tree))
    names = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names


@pytest.mark.parametrize("room", ROOMS)
def test_imports_run_only_downwards(room: str) -> None:
    for path in modules(room):
        for name in imported(path, top_only=False):
            if name.startswith("speclm."):
                assert ROOMS.index(name.split(".")[1]) <= ROOMS.index(room), f"{path.name} imports {name}"


@pytest.mark.parametrize("room", LIGHT)
def test_light_rooms_do_not_load_torch(room: str) -> None:
    for path in modules(room):
        assert not {name for name in imported(path, top_only=True) if name.split(".")[0] == "torch"}, path.name


def test_no_circle_of_imports_stands() -> None:
    graph = {}
    for room in ROOMS:
        for path in modules(room):
            graph[f"speclm.{room}.{path.stem}"] = {n for n in imported(path, top_only=False) if n.startswith("speclm.")}
    done: set[str] = set()

    def visit(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, " -> ".join((*way, module))
        if module not in done:
            for other in graph.get(module, set()):
                visit(other, (*way, module))
            done.add(module)

    for module in graph:
        visit(module, ())
