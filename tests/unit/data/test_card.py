"""The card says what the manifests and reports say, added up."""

from pathlib import Path
from typing import Any

from speclm.data.card import write_card
from speclm.stage.files import write_json

ROW = {"kind": "hub", "source": "o/n/{0..1}.txt", "revision": "a" * 40, "where": "set=a|b"}
ROW |= {"licence": "CC0", "origin": "a desk", "deviation": "half of it"}

COMPARED = {"near_duplicate": 0.8, "passage_words": 32}


def shard(documents: int, short: int) -> dict[str, Any]:
    return {
        "documents": documents,
        "characters": 1000 * documents,
        "left_out": {"elsewhere": 5, "too_short": short, "without_text": 1, "rows": 1, "files": 0},
        "passed_over": ["a.txt: is empty"],
        "other_files": {"by_ending": "", "first": []},
        "origins": [{"sha256": f"{documents}"}],
        "files": [{"bytes": 2000}],
    }


def store(path: Path, tokens: int, single_bytes: int, documents: int) -> Path:
    write_json(path, {"tokens": tokens, "single_bytes": single_bytes, "documents": documents})
    return path


def cells(card: str) -> list[list[str]]:
    return [line.strip("| ").split(" | ") for line in card.splitlines() if line.startswith("| ")]


def test_the_card(tmp_path: Path) -> None:
    manifests = [tmp_path / "0.json", tmp_path / "1.json"]
    for path, facts in zip(manifests, [shard(3, 0), shard(4, 2)], strict=True):
        write_json(path, facts)
    removed = {"from": "generic", "kept_in": "tax/test", "how": "near", "documents": 2}
    splits = {
        "tax/test": {"documents": 7, "characters": 8000},
        "generic/train": {"documents": 9, "characters": 9000},
    }
    write_json(tmp_path / "r.json", {"splits": splits, "removed": [removed]})
    write_json(tmp_path / "c.json", {"shared_documents": 0, "shared_windows": 0, "shared": []})
    corpora = {"generic": "web", "tax": "web"}
    stores = {
        "generic/train": [store(tmp_path / "t0.json", 300, 3, 4), store(tmp_path / "t1.json", 100, 5, 5)],
        "tax/train": [store(tmp_path / "t2.json", 400, 80, 1)],
        "tax/test": [store(tmp_path / "t3.json", 2000, 0, 5)],
    }
    paths = (tmp_path / "r.json", tmp_path / "c.json", tmp_path / "card.md")
    assert write_card(corpora, {"web": ROW}, {"web": manifests}, stores, COMPARED, *paths) == {"web": 7}
    card = (tmp_path / "card.md").read_text()
    rows = cells(card)
    assert ["tax", "web", "7", "7,000", "CC0", "a desk", "half of it"] in rows
    (read,) = [row for row in rows if row[0] == "web"]
    assert read[1:10] == ["hub", "o/n/{0..1}.txt", "a" * 40, "set=a\\|b", "2", "4,000", "10", "2", "2"]
    assert read[10:12] == ["2", "0"] and "- 2 rows could not be read" in card and "- a.txt: is empty" in card
    assert ["tax/test", "7", "8,000", "2,000", "0.00%"] in rows
    assert ["generic/train", "9", "9,000", "400", "2.00%"] in rows
    assert "**tax is foreign to the tokenizer**: 20% of its training tokens are single bytes." in card
    assert "generic is foreign" not in card
    assert "2 documents of tax/test were left out of its tokens" in card and "of generic/train were left" not in card
    assert ["generic", "tax/test", "near", "2"] in rows
    assert "0 documents and 0 token windows stand in two splits" in card
    assert "that equals, nearly equals, or shares a passage with one of" in card and "were kept" not in card
    assert "Generic text is in 2 shards; what stands in two of them was not looked for." in card


def test_what_was_not_removed_is_said(tmp_path: Path) -> None:
    write_json(tmp_path / "0.json", shard(3, 0))
    write_json(tmp_path / "r.json", {"splits": {}, "removed": []})
    shared = [{"splits": ["generic/train", "tax/test"], "windows": 1234}]
    write_json(tmp_path / "c.json", {"shared_documents": 0, "shared_windows": 1234, "shared": shared})
    paths = (tmp_path / "r.json", tmp_path / "c.json", tmp_path / "card.md")
    kept: dict[str, float | None] = {"near_duplicate": None, "passage_words": None}
    stores = {"generic/train": [store(tmp_path / "t.json", 300, 0, 0)]}
    write_card({"generic": "web"}, {"web": ROW}, {"web": [tmp_path / "0.json"]}, stores, kept, *paths)
    card = (tmp_path / "card.md").read_text()
    assert "A document of `from` that equals one of `kept in`." in card
    assert "**Near-duplicates were kept**: `documents.near_duplicate` is null." in card
    assert "**Common passages were kept**: `documents.passage_words` is null." in card
    assert ["generic/train", "tax/test", "1,234"] in cells(card)
