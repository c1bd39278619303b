"""The data card of a run: what was read, whose it is, how it was divided, and how it departs from the paper's.

In go the rows of config/datasets.tsv, the manifests of their shards and the reports of the splits; out comes Markdown:

    | corpus | data set   | documents | characters | licence | origin                       |
    | sympy  | sympy_docs |     5,522 |  4,571,213 | BSD-3…  | docstrings of the computer … |
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from speclm.data.shards import NONE
from speclm.data.single_bytes import STRANGE, byte_share
from speclm.data.tally import tell_left_out
from speclm.stage.files import read_json, write_text

Rows = Sequence[Sequence[Any]]
REASONS = ("elsewhere", "without_text", "too_short", "rows", "files")  # why something was left out


def write_card(
    corpora: Mapping[str, str],
    datasets: Mapping[str, Mapping[str, str]],
    manifests: Mapping[str, Sequence[Path]],
    stores: Mapping[str, Sequence[Path]],
    comparisons: Mapping[str, float | None],
    report: Path,
    checked: Path,
    output: Path,
) -> dict[str, int]:
    """Write the card.

    Args:
        corpora: the data set of every corpus. datasets: its row of config/datasets.tsv, by name.
        manifests: of its shards, by name.
        stores: the facts of every split's stores (.bin.json), by split: "sympy/train".
        comparisons: near_duplicate and passage_words of the configuration's section "documents"; null turned one off.
        report, checked: what `report_splits` and `check_separation` wrote.

    Returns:
        How many documents were read of each data set.
    """
    facts = {name: _sum([read_json(path) for path in paths]) for name, paths in manifests.items()}
    tokens = {split: [read_json(path) for path in paths] for split, paths in stores.items()}
    lines = _lines(corpora, datasets, facts, tokens, comparisons, read_json(report), read_json(checked))
    write_text(output, "\n".join(lines) + "\n")
    return {name: fact["documents"] for name, fact in facts.items()}


def _sum(shards: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The facts of a data set from those of its shards."""
    left_out: Counter[str] = Counter()
    for shard in shards:
        left_out.update(shard["left_out"])
    texts = "".join(origin["sha256"] for shard in shards for origin in shard["origins"])
    return {
        "shards": len(shards),
        "documents": sum(shard["documents"] for shard in shards),
        "characters": sum(shard["characters"] for shard in shards),
        "bytes": sum(file["bytes"] for shard in shards for file in shard["files"]),
        "left_out": left_out,
        "told": tell_left_out(shards),
        "sha256": hashlib.sha256(texts.encode()).hexdigest(),
    }


def _lines(
    corpora: Mapping[str, str],
    datasets: Mapping[str, Mapping[str, str]],
    facts: Mapping[str, Mapping[str, Any]],
    tokens: Mapping[str, Sequence[Mapping[str, Any]]],
    comparisons: Mapping[str, float | None],
    report: Mapping[str, Any],
    checked: Mapping[str, Any],
) -> Iterator[str]:
    yield "# Data card\n"
    head = ["corpus", "data set", "documents", "characters", "licence", "origin", "departs from the paper's"]
    rows = [(corpus, name, facts[name], datasets[name]) for corpus, name in corpora.items()]
    yield from _table(
        head,
        [
            (corpus, name, fact["documents"], fact["characters"], row["licence"], row["origin"], row["deviation"])
            for corpus, name, fact, row in rows
        ],
    )
    yield "\n## What was read\n"
    yield (
        "`bytes` are those of the files as they lie there. Left out: rows that the condition excludes, documents "
        "without text (white space, null bytes), those shorter than `documents.minimum_characters`, and what cannot be "
        "read. The checksum is of all texts and their names.\n"
    )
    head = ["data set", "kind", "source", "revision", "condition", "shards", "bytes"]
    head += ["excluded", "without text", "too short", "unreadable rows", "unreadable files", "sha256"]
    unique = {name: (fact, row) for _, name, fact, row in rows}
    yield from _table(
        head,
        [
            (
                *(name, row["kind"], row["source"], row["revision"], row["where"], fact["shards"]),
                fact["bytes"] or NONE,
                *(fact["left_out"].get(reason, NONE) for reason in REASONS),
                fact["sha256"][:16],
            )
            for name, (fact, row) in unique.items()
        ],
    )
    for name, (fact, _) in unique.items():
        if fact["told"]:
            yield f"\n{name}:\n"
            yield from (f"- {line}" for line in fact["told"])
    yield "\n## How it was divided\n"
    shared = checked["shared_documents"], checked["shared_windows"]
    yield f"Checked after encoding: {shared[0]} documents and {shared[1]} token windows stand in two splits."
    yield "Single bytes are tokens of one byte of a character that the tokenizer does not know.\n"
    yield from _table(
        ["split", "documents", "characters", "tokens", "single bytes"],
        [
            (split, row["documents"], row["characters"], _tokens(tokens[split]), f"{byte_share(tokens[split]):.2%}")
            for split, row in report["splits"].items()
        ],
    )
    for split, row in report["splits"].items():
        gone = row["documents"] - sum(store["documents"] for store in tokens[split])
        if gone:
            yield f"\n{gone} documents of {split} were left out of its tokens: they hold a window of another split."
    for corpus in corpora:
        share = byte_share(tokens[f"{corpus}/train"])
        if share >= STRANGE:
            yield f"\n**{corpus} is foreign to the tokenizer**: {share:.0%} of its training tokens are single bytes."
    if checked["shared"]:
        yield "\nToken windows that stand in two splits, for each pair:\n"
        yield from _table(
            ["split", "other split", "windows"], [(*row["splits"], row["windows"]) for row in checked["shared"]]
        )
    yield "\n## What was removed\n"
    yield from _compared(comparisons)
    shards = facts[corpora["generic"]]["shards"]
    if shards > 1:
        yield f"Generic text is in {shards} shards; what stands in two of them was not looked for.\n"
    yield from _table(
        ["from", "kept in", "how", "documents"],
        [(row["from"], row["kept_in"], row["how"], row["documents"]) for row in report["removed"]],
    )


def _tokens(stores: Sequence[Mapping[str, Any]]) -> int:
    return sum(store["tokens"] for store in stores)


def _compared(comparisons: Mapping[str, float | None]) -> Iterator[str]:
    """By what documents were removed, and what was kept."""
    hows = {"near_duplicate": "nearly equals", "passage_words": "shares a passage with"}
    *others, last = ["equals", *(how for key, how in hows.items() if comparisons[key] is not None)]
    words = ", ".join([*others, f"or {last}"]) if others else last
    yield f"A document of `from` that {words} one of `kept in`.\n"
    for key, what in (("near_duplicate", "Near-duplicates"), ("passage_words", "Common passages")):
        if comparisons[key] is None:
            yield f"**{what} were kept**: `documents.{key}` is null.\n"


def _table(head: Sequence[str], rows: Rows) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(map(_cell, row))} |"


def _cell(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value).replace("|", "\\|")
