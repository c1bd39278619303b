"""The docstrings of installed packages as documents: real technical prose that everybody has who installs the lock.

Names of packages go in, documents come out. Docstrings are read from the source code with `ast`, nothing is imported,
so everyone who installs the pinned packages gets the same bytes:

    {"id": "networkx/algorithms/dag.py::topological_sort", "text": "Returns a generator of nodes in …",
     "origin": "networkx==3.6.1"}
"""

from __future__ import annotations

import ast
import importlib.metadata
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from speclm.data.text import clean, unindent
from speclm.stage.errors import UserError

Document = dict[str, str]  # id, text, origin


def read_installed_docs(packages: tuple[str, ...], minimum_characters: int) -> Iterator[Document]:
    """Documents of installed packages, sorted by package, file and place in the file.

    Folders named ``test`` and ``tests`` are left out: slow to parse, and hardly any prose. So are files without a
    triple quote: docstrings in single quotes are shorter than any useful minimum.

    Raises:
        UserError: a package is not installed, or not in the version named.
    """
    for package in sorted(packages):
        distribution = _find_distribution(package)
        # "+cpu" and "+cu128" builds have the same docstrings: the same documents on every machine.
        origin = f"{package_name(package)}=={distribution.version.split('+')[0]}"
        files = [file for file in distribution.files or [] if file.suffix == ".py" and ".." not in file.parts]
        for file in sorted(files, key=lambda file: file.as_posix()):
            if {"test", "tests"} & set(file.parts):
                continue
            code = Path(str(file.locate())).read_text(encoding="utf-8", errors="replace")
            if '"""' not in code and "'''" not in code:
                continue
            for name, text in parse_docstrings(code):
                if len(text) >= minimum_characters:
                    yield {"id": f"{file.as_posix()}{name and '::' + name}", "text": text, "origin": origin}


def parse_docstrings(code: str) -> Iterator[tuple[str, str]]:
    """(qualified name, cleaned text) of module, classes and functions: "" for the module, "f#2" for a second f."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes in other people's code
        try:
            # One grammar for every Python that runs this, else the corpus would depend on it.
            tree = ast.parse(code, feature_version=(3, 11))
        except SyntaxError:
            return  # templates and code for other Pythons are part of packages
    seen: Counter[str] = Counter()
    pending: list[tuple[str, ast.AST]] = [("", tree)]
    while pending:
        name, node = pending.pop()
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            raw = ast.get_docstring(node, clean=False)
            seen[name] += 1
            if raw is not None:
                yield (name if seen[name] == 1 else f"{name}#{seen[name]}"), clean(unindent(raw))
        children = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt | ast.excepthandler)]
        pending += [
            (f"{name}.{child.name}".lstrip("."), child)
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            else (name, child)
            for child in reversed(children)
        ]


def package_name(package: str) -> str:
    """The name alone of a package named "name" or "name==version"."""
    return package.split("==")[0].strip()


def _find_distribution(package: str) -> importlib.metadata.Distribution:
    name, _, version = (part.strip() for part in package.partition("=="))
    try:
        distribution = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError as error:
        raise UserError(
            f"the package {name} is not installed",
            key="packages",
            remedy="install envs/lock.txt (make does it), or name another package",
        ) from error
    if version and distribution.version.split("+")[0] != version:
        raise UserError(
            f"{name} is installed in version {distribution.version}, not {version}",
            key="packages",
            remedy="install envs/lock.txt (make does it): another version has other docstrings",
        )
    return distribution
