"""The card says what the manifests and reports say, added up."""

from pathlib import Path
from typing import Any

from speclm.data.card import write_card
from speclm.stage.files import write_json

ROW = {"kind": "hub", "source": "o/n/{0..1}.txt", "revision": "a" * 40, "where": "set=a|b"}
ROW |= {"licence": "CC0", "origin": "a desk", "deviation": "half of it"}


def shard(documents: int, short: int) -> dict[str, Any]:
    return {
        "documents": documents,
        "characters": 1000 * documents,
        "left_out": {"elsewhere": 5, "too_short": short, "without_text": 1},
        "origins": [{"sha256": f"{documents}"}],
        "files": [{"bytes": 2000}],
    }


def cells(card: str) -> list[list[str]]:
    return [line.strip("| ").split(" | ") for line in card.splitlines() if line.startswith("| ")]


def test_the_card(tmp_path: Path) -> None:
    manifests = [tmp_path / "0.json", tmp_path / "1.json"]
    for path, facts in zip(manifests, [shard(3, 0), shard(4, 2)], strict=True):
        write_json(path, facts)
    removed = {"from": "generic", "kept_in": "tax/test", "how": "near", "documents": 2}
    write_json(
        tmp_path / "r.json", {"splits": {"tax/test": {"documents": 7, "characters": 8000}}, "removed": [removed]}
    )
    write_json(tmp_path / "c.json", {"shared_documents": 0, "shared_windows": 0})
    corpora = {"generic": "web", "tax": "web"}
    paths = (tmp_path / "r.json", tmp_path / "c.json", tmp_path / "card.md")
    assert write_card(corpora, {"web": ROW}, {"web": manifests}, *paths) == {"web": 7}
    card = (tmp_path / "card.md").read_text()
    rows = cells(card)
    assert ["tax", "web", "7", "7,000", "CC0", "a desk", "half of it"] in rows
    (read,) = [row for row in rows if row[0] == "web"]
    assert read[1:10] == ["hub", "o/n/{0..1}.txt", "a" * 40, "set=a\\|b", "2", "4,000", "10", "2", "2"]
    assert ["tax/test", "7", "8,000"] in rows
    assert ["generic", "tax/test", "near", "2"] in rows
    assert "0 documents and 0 token windows stand in two splits" in card
    assert "Generic text is in 2 shards; what stands in two of them was not looked for." in card
