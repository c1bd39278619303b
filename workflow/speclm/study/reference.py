"""Expected numbers as files: config/reference/expected-<preset>.tsv, and beside it .json with where they come from.

expected-laptop.tsv    quantity method corpus size budget | expected low high usual_low usual_high | seed17 seed18 …
expected-laptop.json   level, factors, each run's seeds, commit, machine and date, settings, and `left_out`: how each
                       run fares beside what the others let expect
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from speclm.stage.errors import UserError
from speclm.stage.files import read_json, read_table, write_json, write_table
from speclm.study.expected import LEVEL, PERPLEXITY, QUANTITY, expect, factor_of, leave_one_out, measure, seeds_of
from speclm.study.plan import make_plan
from speclm.study.preset import preset_file, presets
from speclm.study.record import DECIDING, differences, read_record

FOLDER = Path("config/reference")


@dataclass(frozen=True)
class Reference:
    """What is expected of a preset: the two files."""

    table: pd.DataFrame
    record: Mapping[str, Any]


def open_reference(repository: Path, preset: str) -> Reference:
    """The expected numbers of a preset.

    Raises:
        UserError: there is no such preset, or nothing is expected of it.
    """
    preset_file(repository, preset)
    known = [name for name in presets(repository) if _path(repository, name).exists()]
    if preset not in known:
        others = f"check {' or '.join(known)}; or " if known else ""
        raise UserError(
            f'there are no expected numbers of "{preset}"',
            where=FOLDER,
            remedy=f"{others}run it with at least three seeds, and make its expected numbers with scripts/_expected.py",
        )
    path = _path(repository, preset)
    return Reference(read_table(path), read_json(path.with_suffix(".json")))


def write_reference(repository: Path, preset: str, reference: Reference) -> Path:
    """Write the two files; returns the table's path."""
    path, table = _path(repository, preset), reference.table.copy()
    exact = table["quantity"] != PERPLEXITY
    for column in table.columns.drop(QUANTITY):  # facts in all their digits
        words = table[column].map("{:.8g}".format)
        table[column] = words.where(~exact, table[column].map("{:.0f}".format))
    write_table(path, table)
    write_json(path.with_suffix(".json"), dict(reference.record))
    return path


def make_reference(config: Mapping[str, Any], folders: Sequence[Path], methods: pd.DataFrame) -> Reference:
    """The expected numbers from runs that differ in the seed alone.

    Args:
        config: the preset's configuration, which the runs must have been made with.
        folders: the runs, finished or published, each of one or more seeds.
        methods: config/methods.tsv.

    Raises:
        UserError: a seed in two runs, runs of other settings, or damaged metrics.
    """
    frames, runs, seeds = [], [], []
    for folder in folders:
        frames.append(measure_run(folder, expected_settings(config), methods).set_index(QUANTITY))
        run = read_record(folder)
        runs.append({"seeds": run.settings["study"]["seeds"], **run.origin})
        seeds += run.settings["study"]["seeds"]
    twice = [seed for seed in seeds if seeds.count(seed) > 1]
    if twice:
        raise UserError(f"{twice[0]} is in two of the runs", key="seeds", remedy="give each seed once")
    values = pd.concat(frames, axis=1)
    values = values[[f"seed{seed}" for seed in sorted(seeds)]].reset_index()
    table = expect(values)
    compared = int((values["quantity"] == PERPLEXITY).sum())
    record = {
        "level": LEVEL,
        "perplexities": compared,
        "factor": factor_of(len(seeds), compared) if len(seeds) > 1 else None,
        "usual_factor": factor_of(len(seeds), 1) if len(seeds) > 1 else None,
        "left_out": leave_one_out(values).to_dict("records"),
        "seeds": sorted(seeds),
        "runs": runs,
        "settings": expected_settings(config),
    }
    return Reference(pd.concat([table, values[seeds_of(values)]], axis=1), record)


def measure_run(folder: Path, settings: Mapping[str, Any], methods: pd.DataFrame) -> pd.DataFrame:
    """The quantities of a run (see `measure`).

    Args:
        settings: the settings that it must have.

    Raises:
        UserError: it is not finished, has other settings, or its metrics are damaged.
    """
    run = read_record(folder)
    found = differences(settings, run.settings)
    if found:
        shown = "; ".join(found[:4]) + (f"; and {len(found) - 4} more" if len(found) > 4 else "")
        raise UserError(
            f"a run of other settings than the expected numbers: {shown}",
            where=folder,
            remedy="compare a run of this preset as it stands, only the seeds may differ",
        )
    path = folder / "metrics.tsv"
    return measure(read_table(path), make_plan(run.settings["study"], methods), path)


def expected_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Of a configuration, what a run must agree with: lists of the study, and the deciding sections."""
    specialize = config["specialize"]
    lists = {"sizes": specialize["sizes"], "best_finetuned_sizes": specialize["best_finetuned_sizes"]}
    study = {"methods": config["methods"], "domains": config["domains"]}
    study |= {key: config["pretrain"][key] for key in ("budgets", "domain_budgets")}
    return {"study": {**study, **lists}, **{section: config[section] for section in DECIDING}}


def _path(repository: Path, preset: str) -> Path:
    return repository / FOLDER / f"expected-{preset}.tsv"
