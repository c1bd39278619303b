"""A run is published with its record, and its study of the variants beside it, where both are of one run."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from speclm.stage.errors import UserError
from speclm.stage.files import read_json, read_table, write_json, write_table
from speclm.study.metrics import write_documents_table
from speclm.study.published import RESULTS, RESULTS_OF_VARIANTS, Published, choose, make_all, open_published
from speclm.study.publishing import ABLATIONS, MEASURED, OF_VARIANTS, REPETITIONS, publish
from speclm.study.record import RECORD
from unit.study.made_up import ROOT
from unit.study.published_copies import VARIANTS, record_again


def test_the_study_of_the_variants_is_made_beside(with_variants: Published, tmp_path: Path) -> None:
    assert choose([], with_variants) == [*RESULTS, *(f"{ABLATIONS}/{name}" for name in RESULTS_OF_VARIANTS)]
    names = ["figure_10", "sensitivity", "ablations/assumptions", "ablations/claims", "assumptions"]
    chosen = choose(names, with_variants)
    assert chosen[:2] == ["ablations/figure_10", "ablations/sensitivity"]
    said = dict(make_all(with_variants, [*chosen, "ablations/figure_7", "ablations/clusters"], tmp_path))
    assert said.pop("ablations/clusters") == "not made: repetitions.tsv not published"
    assert said.pop("ablations/figure_7").startswith("not made: ablations: figure 7 shows variants of slm_pn")
    assert set(said.values()) == {""}
    assert (tmp_path / "ablations/figures/figure_10.pdf").exists()
    table = read_table(tmp_path / "ablations/tables/sensitivity.tsv").set_index("variant")
    nll = with_variants.evidence.macro("slm_is", 1000, 5000000).estimate
    assert table.loc["slm_is_seed18", "n1000_difference"] == pytest.approx(-0.001 * nll, rel=1e-3)
    pages = [(tmp_path / folder / "assumptions.md").read_text() for folder in ("", ABLATIONS)]
    assert ["What other choices change" in page for page in pages] == [False, True]
    claims = read_table(tmp_path / "ablations/claims.tsv")
    assert claims.loc[13, "note"].startswith("not measured: SLM-is with three or more")


def test_variants_that_are_not_published_are_not_made_up(copy: Published) -> None:
    with pytest.raises(UserError, match="nothing is published of variants"):
        choose(["figure_10"], copy)


def test_variants_of_another_run_are_refused(with_variants: Published) -> None:
    """The methods' numbers in both studies are the same where both are of one run."""
    folder = with_variants.folder / ABLATIONS
    metrics = read_table(folder / "metrics.tsv")
    documents = pd.read_parquet(folder / "documents.parquet")
    for table in (metrics, documents):
        table.loc[table["method"] == "slm_d", "nll"] *= 1.001
    write_table(folder / "metrics.tsv", metrics)
    write_documents_table(folder / "documents.parquet", documents)
    assert with_variants.variants is not None
    with pytest.raises(UserError, match=r"metrics\.tsv: is not the file of the run"):
        _ = with_variants.variants.evidence
    record_again(with_variants.variants)
    fresh = Published(with_variants.folder, ROOT).variants
    assert fresh is not None
    with pytest.raises(UserError, match="not the number that the study of the methods has: slm_d on"):
        _ = fresh.evidence


def test_variants_with_missing_and_double_rows(with_variants: Published, tmp_path: Path) -> None:
    path = with_variants.folder / ABLATIONS / "metrics.tsv"
    metrics = read_table(path)
    gone = (metrics["method"] == "slm_is_k16") & (metrics["domain"] == "sympy") & (metrics["size"] == 1000)
    write_table(path, metrics.loc[~gone])
    record_again(with_variants.variants)
    fresh = Published(with_variants.folder, ROOT)
    said = dict(make_all(fresh, ["ablations/figure_10", "ablations/sensitivity"], tmp_path))
    assert said == {"ablations/figure_10": "incomplete: says what is missing", "ablations/sensitivity": ""}
    write_table(path, pd.concat([metrics, metrics.tail(1)]))
    record_again(with_variants.variants)
    again = Published(with_variants.folder, ROOT).variants
    assert again is not None
    with pytest.raises(UserError, match="stand twice: slm_is_seed18"):
        _ = again.evidence


def test_a_run_is_published_with_its_record(with_variants: Published, tmp_path: Path) -> None:
    """And its study of the variants, which shares the histograms, as soon as there is one."""
    run, folder = tmp_path / "results/mine", tmp_path / "results/published/mine"
    made = {"commit": "c" * 40, "dirty": False, "processor": "a", "started": "2026", "seconds": 3.0}

    def lay(study: str, names: tuple[str, ...]) -> None:
        settings = read_json(with_variants.folder / study / RECORD)["settings"]
        for name in names:
            target = run / study / MEASURED[name]
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(with_variants.folder / study / Path(MEASURED[name]).name, target)
        measured = {"settings": {"study": settings.pop("study")}}
        write_json(run / "logs" / study / "gather_metrics.summary.json", {**made, **measured})
        write_json(run / "logs" / study / "write_assumptions.job.json", {"settings": {"config": settings}})
        write_json(run / "logs/make_table/1.job.json", {"settings": {"models": settings["models"]}})

    with pytest.raises(UserError, match=r"metrics\.tsv: is not there"):
        publish(run, folder)
    lay("", tuple(MEASURED))
    (run / "claims.tsv").write_text("claims")
    publish(run, folder)
    published = open_published("mine", tmp_path)
    assert read_json(folder / RECORD)["commit"] == "c" * 40
    assert published.settings == with_variants.settings
    assert published.files.keys() == MEASURED.keys() and published.variants is None
    assert (folder / "claims.tsv").exists()
    lay(ABLATIONS, OF_VARIANTS)
    with pytest.raises(UserError, match=r"repetitions\.tsv: is not there"):
        publish(run, folder)
    real = ROOT / "results/published/realtext/lsi"
    shutil.copyfile(real / "repetitions.tsv", run / REPETITIONS)
    publish(run, folder)
    variants = open_published("mine", tmp_path).variants
    assert variants is not None
    assert variants.files["histograms"] == folder / "histograms.tsv"
    assert variants.files["metrics"] == folder / "ablations/metrics.tsv"
    shutil.copytree(ROOT / "config", tmp_path / "config")
    assert dict(make_all(open_published("mine", tmp_path), ["ablations/clusters"], tmp_path / "again")) == {
        "ablations/clusters": ""
    }
    assert (tmp_path / "again/ablations/clusters.tsv").read_bytes() == (real / "clusters.tsv").read_bytes()
    assert [variant["method"] for variant in variants.settings["study"]["variants"]] == list(VARIANTS)
