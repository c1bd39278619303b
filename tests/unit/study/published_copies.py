"""Copies of the published laptop study that tests may change, with a made-up study of two variants or without."""

import shutil
from pathlib import Path

import pandas as pd

from speclm.stage.files import read_json, read_table, sha256, write_json, write_table
from speclm.study.metrics import write_documents_table
from speclm.study.published import Published
from speclm.study.publishing import ABLATIONS, MEASURED
from speclm.study.record import RECORD
from unit.study.made_up import ROOT

LAPTOP = ROOT / "results/published/laptop"


def copy_laptop(tmp_path: Path) -> Published:
    """The published laptop study, where tests may change it."""
    folder = tmp_path / "laptop"
    folder.mkdir()
    for path in LAPTOP.iterdir():
        if path.is_file():
            shutil.copyfile(path, folder / path.name)
    return Published(folder, ROOT)


# what becomes of the nll of the method that it is of
VARIANTS = {"slm_is_k16": ("slm_is", {"models.slm_is.clusters": [64, 16]}, 1.01)}
VARIANTS["slm_is_seed18"] = ("slm_is", {"clusters.seed": [17, 18]}, 0.999)


def add_variants(copy: Published) -> Published:
    """The same with a study of two variants, whose documents are those of the methods, a little worse or better."""
    folder = copy.folder / ABLATIONS
    folder.mkdir()
    tables = {name: read_table(copy.folder / MEASURED[name]) for name in ("metrics", "timings")}
    tables["documents"] = pd.read_parquet(copy.folder / "documents.parquet")
    for name, table in tables.items():
        scaled = [
            table.loc[table["method"] == of].assign(
                method=variant, **({"nll": scale * table["nll"]} if "nll" in table else {})
            )
            for variant, (of, _, scale) in VARIANTS.items()
        ]
        tables[name] = pd.concat([table, *scaled], ignore_index=True)
    for name in ("metrics", "timings"):
        write_table(folder / MEASURED[name], tables[name])
    write_documents_table(folder / "documents.parquet", tables["documents"])
    record = read_json(copy.folder / RECORD)
    record["settings"]["study"]["variants"] = [
        {"method": name, "of": of, "label": name, "change": change, "pretraining": name, "teacher": "-"}
        for name, (of, change, _) in VARIANTS.items()
    ]
    write_json(folder / RECORD, record)
    published = Published(copy.folder, ROOT)
    record_again(published.variants)
    return published


def record_again(published: Published | None) -> None:
    """As if the files had been published as they are now."""
    assert published is not None
    record = read_json(published.folder / RECORD)
    folders = (published.folder, published.folder.parent)
    found = {
        name: next((path for path in (f / name for f in folders) if path.exists()), None) for name in record["sha256"]
    }
    write_json(
        published.folder / RECORD, {**record, "sha256": {name: sha256(path) for name, path in found.items() if path}}
    )
