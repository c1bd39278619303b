"""What a source gave, and what was left out of it: counted as it is read, and told where the user looks.

{"files": 1, "rows": 2}, ["letters/a.txt: is empty\\nRemedy: …", …], {"by_ending": "3 .pdf", …}

->  1 file and 2 rows could not be read and were passed over; the first of them: letters/a.txt: is empty. Remedy: …
    Files of other kinds were not read: 3 .pdf (letters/b.pdf, …)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from speclm.data.docstrings import Document
from speclm.stage.errors import UserError

TOLD = 5  # of what was passed over


@dataclass
class Tally:
    """What a source gave, and what was left out of it; the first few of what was passed over, in words."""

    origins: dict[str, _Origin] = field(default_factory=dict)
    files: list[dict[str, Any]] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    passed_over: list[str] = field(default_factory=list)

    def pass_over(self, what: str, error: UserError) -> None:
        """Count a file or a row that cannot be read."""
        self.left_out[what] += 1
        if len(self.passed_over) < TOLD:
            self.passed_over.append(str(error))

    def counted(self, documents: Iterable[Document]) -> Iterator[Document]:
        """The documents, each counted as it passes."""
        for document in documents:
            self.origins.setdefault(document["origin"], _Origin()).add(document)
            yield document


class _Origin:
    """What one origin gave."""

    def __init__(self) -> None:
        self.documents = self.characters = 0
        self._files: set[str] = set()
        self._digest = hashlib.sha256()

    def add(self, document: Document) -> None:
        self.documents += 1
        self.characters += len(document["text"])
        self._files.add(document["id"].split("::")[0].rsplit(":", 1)[0])
        self._digest.update(f"{document['id']}\0{document['text']}\0".encode())

    def facts(self) -> dict[str, Any]:
        return {
            "files": len(self._files),
            "documents": self.documents,
            "characters": self.characters,
            "sha256": self._digest.hexdigest(),
        }


def tell_left_out(manifests: Sequence[Mapping[str, Any]]) -> list[str]:
    """Sentences on what of a data set could not be read, from the manifests of its shards; none if all could."""
    files, rows = (sum(manifest["left_out"].get(what, 0) for manifest in manifests) for what in ("files", "rows"))
    first = [said.replace("\n", ". ") for manifest in manifests for said in manifest["passed_over"]]
    said = list[str]()
    if files or rows:
        counts = " and ".join(_counted(n, what) for n, what in ((files, "file"), (rows, "row")) if n)
        said.append(f"{counts} could not be read and {'was' if files + rows == 1 else 'were'} passed over; the first:")
        said += first[:TOLD]
    for others in (manifest["other_files"] for manifest in manifests):
        if others["by_ending"]:
            said.append(f"Files of other kinds were not read: {others['by_ending']} ({', '.join(others['first'])}, …)")
    return said


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
