"""Croissant metadata (JSON-LD) of the text that a run divided: what machines read where people read the data card.

In: the files of the splits and their report, and the rows of config/datasets.tsv. Out: croissant.json, which describes
each split, or shard of one, as a file (place, size, SHA-256) and as records (id, text, origin). Places are relative to
it. The vocabulary is that of https://docs.mlcommons.org/croissant, version 1.0, with its part on responsible AI.

    sympy/test -> {"@type": "cr:FileObject", "contentUrl": "splits/sympy/test.jsonl.zst", "sha256": "4c1e…", …}
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import speclm
from speclm.data.shards import NONE
from speclm.stage.files import read_json, write_json
from speclm.stage.fingerprint import checksum

Node = dict[str, Any]
FIELDS = {"id": "A name, unique in its split.", "text": "The document.", "origin": "The package or file it is from."}
_TERMS = (
    *("citeAs", "column", "equivalentProperty", "extract", "field", "fileObject", "fileProperty", "fileSet", "format"),
    *("includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet", "references", "regex"),
    *("repeated", "replace", "samplingRate", "separator", "source", "subField", "transform"),
)
CONTEXT = {
    **{"@language": "en", "@vocab": "https://schema.org/", "sc": "https://schema.org/"},
    **{"cr": "http://mlcommons.org/croissant/", "rai": "http://mlcommons.org/croissant/RAI/"},
    **{"dct": "http://purl.org/dc/terms/", "conformsTo": "dct:conformsTo"},
    **{"data": {"@id": "cr:data", "@type": "@json"}, "examples": {"@id": "cr:examples", "@type": "@json"}},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    **{term: f"cr:{term}" for term in _TERMS},
}


def write_croissant(
    run: str,
    corpora: Mapping[str, str],
    datasets: Mapping[str, Mapping[str, str]],
    splits: Sequence[Path],
    report: Path,
    output: Path,
) -> dict[str, int]:
    """Write the metadata.

    Args:
        corpora: the data set of every corpus. datasets: its row of config/datasets.tsv, by name.
        splits: files {corpus}/{split}.jsonl.zst and {corpus}/{split}/{shard}.jsonl.zst, shards with their facts beside
            them. report: what `report_splits` wrote.

    Returns:
        How many files are described.
    """
    divided = read_json(report)
    rows = [datasets[name] for name in dict.fromkeys(corpora.values())]
    departures = [row["deviation"] for row in rows if row["deviation"] != NONE]
    write_json(
        output,
        {
            "@context": CONTEXT,
            "@type": "sc:Dataset",
            "conformsTo": ["http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0"],
            "name": f"speclm-{run}",
            "description": f"The text of the study {run}: generic text to pretrain on, and narrow domains "
            f"({', '.join(name for name in corpora if name != 'generic')}), without duplicates, divided by document.",
            "license": list(dict.fromkeys(row["licence"] for row in rows)),
            "creator": {"@type": "sc:Organization", "name": "The speclm developers"},
            "version": speclm.__version__,
            "url": "https://arxiv.org/abs/2402.01093",
            "citeAs": "Grangier, Katharopoulos, Ablin, Hannun: Need a Small Specialized Language Model? Plan Early! "
            "arXiv 2402.01093",
            "isBasedOn": [f"{row['dataset']}: {row['origin']}" for row in rows],
            "rai:dataCollection": "; ".join(f"{row['dataset']}: {row['kind']} {row['source']}" for row in rows),
            "rai:dataPreprocessingProtocol": _removed(divided["removed"]),
            "rai:dataLimitations": "; ".join(departures) or "none beyond those of its sources",
            "rai:personalSensitiveInformation": "not looked for",
            "distribution": [_file(path, output.parent, report.parent, divided["splits"]) for path in splits],
            "recordSet": [_records(path, report.parent) for path in splits],
        },
    )
    return {"files": len(splits)}


def _file(path: Path, folder: Path, root: Path, splits: Mapping[str, Mapping[str, int]]) -> Node:
    corpus, split = _names(path, root)
    facts = splits.get(f"{corpus}/{split}") or read_json(f"{path}.json")
    return {
        "@type": "cr:FileObject",
        "@id": _identity(path, root),
        "name": _identity(path, root),
        "description": f"{corpus}, {split}: {facts['documents']} documents, {facts['characters']} characters, as JSON "
        "lines under Zstandard",
        "contentUrl": Path(os.path.relpath(path, folder)).as_posix(),
        "contentSize": f"{path.stat().st_size} B",
        "encodingFormat": "application/zstd",
        "sha256": checksum(path),
    }


def _records(path: Path, root: Path) -> Node:
    name = "-".join(_names(path, root)).replace("/", "-")
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "key": {"@id": f"{name}/id"},
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"{name}/{field}",
                "name": field,
                "description": description,
                "dataType": "sc:Text",
                "source": {"fileObject": {"@id": _identity(path, root)}, "extract": {"column": field}},
            }
            for field, description in FIELDS.items()
        ],
    }


def _removed(removed: Sequence[Mapping[str, Any]]) -> str:
    cases = [f"{row['documents']} of {row['from']} ({row['how']}, kept in {row['kept_in']})" for row in removed]
    told = "Documents that equal, nearly equal (MinHash) or share a passage with one that is kept were removed"
    return f"{told}: {'; '.join(cases) or 'none'}."


def _names(path: Path, root: Path) -> tuple[str, str]:
    """Corpus and split: of {root}/generic/train/00000.jsonl.zst "generic" and "train/00000"."""
    corpus, *split = path.relative_to(root).parts
    return corpus, "/".join(split).partition(".")[0]


def _identity(path: Path, root: Path) -> str:
    return "-".join(path.relative_to(root).parts)
