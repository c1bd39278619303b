"""What one run of the whole study leaves behind, and that a second one leaves the same bytes."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from e2e.conftest import Clone, stable_bytes
from speclm.stage import allocator
from speclm.stage.files import read_table
from speclm.study.peers import PEERS

FORMS = ("tsv", "md", "tex")
KEY = ["method", "selection", "domain", "size", "budget", "seed", "split"]


def test_metrics_are_complete_and_consistent(smoke: Clone) -> None:
    metrics = read_table(smoke.results / "metrics.tsv")
    assert not metrics.duplicated(KEY).any()
    assert set(metrics["method"]) == {"slm", "slm_nopt", "llm", "slm_mix", "slm_pn", "slm_is", "slm_d", *PEERS}
    assert np.allclose(metrics["perplexity"], np.exp(metrics["nll"]), rtol=1e-6)
    assert ((metrics["low"] < metrics["perplexity"]) & (metrics["perplexity"] < metrics["high"])).all()
    assert (metrics["flops"] == metrics["flops_generic"] + metrics["flops_specialize"]).all()
    documents = pd.read_parquet(smoke.results / "documents.parquet")
    summed = documents.groupby(KEY)[["nll", "tokens"]].sum()
    nll = (summed["nll"] / summed["tokens"]).rename("again")
    assert np.allclose(metrics.set_index(KEY).join(nll).eval("nll - again"), 0, atol=1e-6)


def test_training_taught_something(smoke: Clone) -> None:
    metrics = read_table(smoke.results / "metrics.tsv").set_index(["method", "domain", "size", "budget", "selection"])
    nll = metrics["nll"]
    for domain in ("sqlalchemy", "networkx"):
        assert nll["slm", domain, 0, 80000, "none"] < math.log(512) - 0.5  # better than knowing nothing
        assert nll["slm", domain, 64000, 80000, "none"] < nll["slm", domain, 0, 80000, "none"]
        assert nll["slm", domain, 1000, 80000, "none"] < nll["slm_nopt", domain, 1000, 0, "none"]


def test_every_table_and_figure_is_there(smoke: Clone) -> None:
    for number in range(1, 11):
        for ending in FORMS:
            assert (smoke.results / f"tables/table_{number}.{ending}").stat().st_size > 100
    for name in ("trend", "1", "2", "3", "4a", "4b", "4c", "4d", "5", "6", "8", "9a", "9b", "9c", "12", "13"):
        assert (smoke.results / f"figures/figure_{name}.pdf").read_bytes().startswith(b"%PDF")
        assert (smoke.results / f"figures/figure_{name}.png").read_bytes().startswith(b"\x89PNG")
        assert len(read_table(smoke.results / f"figures/figure_{name}.tsv")) > 3
    claims = read_table(smoke.results / "claims.tsv")
    assert set(claims["verdict"]) <= {"one seed: cannot tell", "cannot tell"}  # what one seed can say
    assert len(claims) == 17
    parts = read_table(smoke.results / "claim_parts.tsv")
    assert parts["claim"].unique().tolist() == list(range(1, 18))
    for name in ("assumptions.md", "ablations/assumptions.md", *(f"ablations/tables/sensitivity.{f}" for f in FORMS)):
        assert (smoke.results / name).stat().st_size > 100
    for name in ("5", "7", "10", "11", "14a", "14b", "14c"):
        assert (smoke.results / f"ablations/figures/figure_{name}.pdf").read_bytes().startswith(b"%PDF")
        assert len(read_table(smoke.results / f"ablations/figures/figure_{name}.tsv")) > 3
    assert "`clusters.seed`" in (smoke.results / "assumptions.md").read_text()
    assert "**Sensitivity.**" in (smoke.results / "ablations/assumptions.md").read_text()


def test_the_variants_are_measured_beside_the_methods(smoke: Clone) -> None:
    """The methods' own rows are the study's; a variant that shares a pretraining has no second one."""
    main, both = (read_table(smoke.results / f"{study}metrics.tsv") for study in ("", "ablations/"))
    variants = {
        "slm_pn_k8",
        "slm_pn_k16",
        "slm_is_k4",
        "slm_is_k8",
        "slm_mix_k8",
        "slm_pn_seed18",
        "slm_d_t20k",
        "slm_is_static",
        "slm_more",
        "llm_lora",
    }
    main = main[~main["method"].isin(PEERS)].reset_index(drop=True)
    assert variants <= set(both["method"]) - set(main["method"])
    pd.testing.assert_frame_equal(both[both["method"].isin(main["method"])].reset_index(drop=True), main)
    costs = both.query("size > 0 and domain != 'generic'").groupby("method")["parameters_pretrain"].first()
    assert costs["slm_mix_k8"] == 2 * costs["slm_mix"]
    assert costs["slm_pn_k16"] > costs["slm_pn_k8"] > costs["slm_pn"]
    assert costs["slm_is_k4"] == costs["slm"]
    nll = both.set_index([*KEY])["nll"].xs(80000, level="budget")
    assert nll.xs("slm_pn_seed18").index.isin(nll.xs("slm_pn").index).all()
    assert not np.allclose(nll.xs("slm_pn_seed18"), nll.xs("slm_pn").reindex(nll.xs("slm_pn_seed18").index))


def test_every_stage_ran_under_the_workflows_allocator_settings(smoke: Clone) -> None:
    for path in (smoke.results / "logs").rglob("*.summary.json"):
        assert json.loads(path.read_text())["allocator"] == allocator.environment(), path


def test_no_document_and_no_window_stands_twice(smoke: Clone) -> None:
    assert json.loads((smoke.results / "splits/checked.json").read_text())


def test_a_second_call_does_nothing(smoke: Clone) -> None:
    ended = smoke.snakemake()
    assert "Nothing to be done" in ended.stdout + ended.stderr


def test_one_core_and_another_folder_give_the_same_bytes(smoke: Clone, new_clone: Callable[[], Clone]) -> None:
    other = new_clone()
    other.snakemake(cores=1)
    expected, found = stable_bytes(smoke.results), stable_bytes(other.results)
    variants = {row["name"] for row in yaml.safe_load((smoke.folder / "config/smoke.yaml").read_text())["ablations"]}
    assert {name for name in expected if not variants & set(name.split("/"))} == found.keys()
    assert [name for name in found if expected[name] != found[name]] == []


def test_a_stage_repeats_without_snakemake(smoke: Clone, tmp_path: Path) -> None:
    import shutil
    import subprocess
    import sys

    folder = tmp_path / "again"
    shutil.copytree(smoke.folder, folder, ignore=shutil.ignore_patterns(".snakemake"))
    weights = folder / "results/smoke/pretrain/slm/all/seed17/checkpoints/b80000.safetensors"
    before = weights.read_bytes()
    weights.unlink()
    job = "results/smoke/logs/pretrain_model/slm/all/seed17.job.json"
    command = [sys.executable, "-m", "speclm", "pretrain_model", str(folder / job)]
    subprocess.run(command, cwd=folder, env={"PYTHONPATH": "workflow", "PATH": ""}, check=True)
    assert weights.read_bytes() == before


def test_snakemakes_own_report_is_one_page_too(smoke: Clone) -> None:
    smoke.snakemake("--report", "snakemake.html")
    page = (smoke.folder / "snakemake.html").read_text()
    for name in ("table_8.md", "figure_4b.png", "claims.tsv"):
        assert name in page
