"""The smoke run in MLflow, as a user has it: imported by the rule, read back by the client, looked at in a browser."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from itertools import product
from pathlib import Path
from urllib.parse import quote, urlsplit

import pandas as pd
import pytest

from e2e.browser import open_browser, requests_of
from e2e.conftest import Clone, stable_bytes
from speclm.study.store import open_store

STUDY = "tags.kind = 'study' and attributes.run_name = 'study smoke'"  # beside it stands that of the variants
TRACK = ("results/smoke/tracking/runs.json", "--forcerun", "track_runs")


@pytest.fixture(scope="module")
def tracked(smoke: Clone) -> Clone:
    """The smoke run after its import."""
    smoke.snakemake(*TRACK)
    return smoke


def store(clone: Clone) -> str:
    return f"sqlite:///{clone.folder}/results/tracking/mlflow.db"


def report(clone: Clone) -> dict[str, object]:
    facts: dict[str, object] = json.loads((clone.results / "tracking/runs.json").read_text())
    return facts


def test_every_measurement_is_a_run_below_what_it_started_from(tracked: Clone) -> None:
    metrics = pd.read_csv(tracked.results / "ablations/metrics.tsv", sep="\t", keep_default_na=False)
    with open_store(store(tracked)) as client:
        experiment = client.get_experiment_by_name("smoke").experiment_id
        runs = {run.info.run_id: run for run in client.search_runs([experiment], max_results=1000)}
    models = [run for run in runs.values() if run.data.tags["kind"] == "model"]
    key = ["method", "selection", "domain", "size", "budget", "seed"]
    found = {tuple(run.data.tags[name] for name in key): run.data.metrics["test/perplexity"] for run in models}
    rows = metrics[metrics["split"] == "test"]
    expected = {tuple(map(str, row[:6])): row[6] for row in rows[[*key, "perplexity"]].itertuples(index=False)}
    assert found == expected
    assert len(found) > 100

    def path(run_id: str) -> list[str]:
        tags = runs[run_id].data.tags
        return [*(path(tags["mlflow.parentRunId"]) if "mlflow.parentRunId" in tags else []), tags["kind"]]

    kinds = {run.data.tags["method"]: path(run.info.run_id) for run in models}
    assert kinds["slm"] == kinds["slm_d"] == ["pretraining", "specialization", "model"]
    assert kinds["slm_mix"] == ["mixture", "specialization", "model"]
    assert kinds["slm_nopt"] == ["specialization", "model"]
    assert {run.data.tags["mlflow.parentRunId"] in runs for run in models} == {True}


def test_curves_are_those_of_the_journals(tracked: Clone) -> None:
    journal = [json.loads(line) for line in (tracked.results / "pretrain/slm/all/seed17/metrics.jsonl").open()]
    with open_store(store(tracked)) as client:
        experiment = client.get_experiment_by_name("smoke").experiment_id
        (run,) = client.search_runs([experiment], "tags.kind = 'pretraining' and tags.method = 'slm'")
        curves = {"train": [line for line in journal if "budget" not in line]}
        for budget in {line["budget"] for line in journal if "budget" in line}:
            curves[f"cooldown_b{budget}"] = [line for line in journal if line.get("budget") == budget]
        assert len(curves) == 4  # the trunk's, and those of the cooldowns of three budgets
        for (curve, lines), name in product(curves.items(), ("loss", "validation", "learning_rate", "gradient_norm")):
            history = client.get_metric_history(run.info.run_id, f"{curve}/{name}")
            points = sorted((metric.step, metric.value) for metric in history)
            assert points == [(line["step"], line[name]) for line in lines if name in line], (curve, name)


def test_tables_and_figures_are_there_to_open(tracked: Clone) -> None:
    with open_store(store(tracked)) as client:
        experiment = client.get_experiment_by_name("smoke").experiment_id
        (study,) = client.search_runs([experiment], STUDY)
        kept = [
            Path(file.path)
            for folder in ("tables", "figures")
            for file in client.list_artifacts(study.info.run_id, folder)
        ]
        assert {str(path) for path in kept} == {
            str(path.relative_to(tracked.results))
            for folder in ("tables", "figures")
            for path in tracked.results.glob(f"{folder}/[!.]*")
        }
        figure = client.download_artifacts(study.info.run_id, "figures/figure_3.png")
    assert Path(figure).read_bytes() == (tracked.results / "figures/figure_3.png").read_bytes()


def test_again_nothing_is_new(tracked: Clone) -> None:
    first = report(tracked)
    tracked.snakemake(*TRACK)
    again = report(tracked)
    assert (again["new"], again["present"]) == (0, int(str(first["new"])) + int(str(first["present"])))


def test_a_locked_database_harms_no_result_and_the_import_says_what_to_do(tracked: Clone) -> None:
    before = stable_bytes(tracked.results)
    with closing(sqlite3.connect(tracked.folder / "results/tracking/mlflow.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        ended = tracked.snakemake(*TRACK, check=False)
    said = ended.stdout + ended.stderr
    assert ended.returncode != 0
    assert "sqlite:///results/tracking/mlflow.db: the tracking store cannot be used: another program is writing" in said
    assert "Remedy: wait for that program, or end it; then run the same command again" in said
    assert stable_bytes(tracked.results) == before
    tracked.snakemake(*TRACK)
    assert report(tracked)["new"] == 0


@pytest.fixture(scope="module")
def told(tracked: Clone) -> Iterator[dict[str, str]]:
    """The addresses that `make ui` prints when its server answers, by what is to be seen there."""
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "scripts/_ui.py", "--port", str(port)]
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    server = subprocess.Popen(command, cwd=tracked.folder, env=kept, start_new_session=True, **pipes)
    try:
        found: dict[str, str] = {}
        while "smoke, curves" not in found:
            line = server.stdout.readline()
            assert line, "the server ended"
            what, _, address = line.strip().partition(": ")
            found[what] = address
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            assert answer.status == 200
        yield found
    finally:
        os.killpg(server.pid, 15)
        server.wait(timeout=60)


@pytest.fixture(scope="module")
def pages(told: dict[str, str]) -> str:
    """The root of these addresses."""
    return told["smoke, models"].partition("/#/")[0]


def test_the_printed_addresses_open_the_runs_and_nothing_leaves_the_machine(
    told: dict[str, str], tmp_path: Path
) -> None:
    """Models in the order of their perplexity, with the columns that matter; curves of the methods in one chart."""
    with open_browser(tmp_path / "profile", width=1800) as browser:
        browser.get(told["smoke, models"])
        shows(browser, "Training runs", "One run of the workflow", "test/perplexity", "budget", "slm networkx n64000")
        browser.get("about:blank")
        browser.get(told["smoke, curves"])
        shows(browser, "Methods, overlaid\n(2)", "over_tokens/heldout_nll", "heldout/perplexity", "6 matching runs")
        asked = {urlsplit(address) for address in requests_of(browser)}
    hosts = {address.hostname for address in asked if address.scheme not in ("chrome", "chrome-untrusted", "about")}
    assert len(asked) > 20
    assert hosts == {"127.0.0.1"}


def test_methods_share_a_metric_over_tokens(tracked: Clone) -> None:
    with open_store(store(tracked)) as client:
        experiment = client.get_experiment_by_name("smoke").experiment_id
        runs = client.search_runs([experiment], "tags.kind = 'pretraining'")
        assert {run.data.tags["method"] for run in runs} >= {"slm", "llm", "slm_mix", "slm_pn", "slm_is"}
        for run in runs:
            history = client.get_metric_history(run.info.run_id, "over_tokens/heldout_nll")
            assert [point.step for point in history] == sorted({point.step for point in history})
            assert history[-1].step > 1000
            assert run.data.tags["mlflow.note.content"].startswith("Pretraining of ")


def test_the_pages_in_a_browser(tracked: Clone, pages: str, tmp_path: Path) -> None:
    """The list of runs with its trees; one run with its parameters, results and curve; a figure of the study."""
    with open_store(store(tracked)) as client:
        experiment = client.get_experiment_by_name("smoke").experiment_id
        wanted = "tags.kind = 'model' and tags.method = 'slm' and tags.domain = 'networkx' and tags.size = '64000'"
        model = client.search_runs([experiment], wanted)[0]
        (study,) = client.search_runs([experiment], STUDY)
    with open_browser(tmp_path / "profile") as browser:
        browser.get(f"{pages}/#/experiments/{experiment}/runs")
        shows(browser, "study smoke", "slm_mix seed17")  # the newest; older ones come when asked for
        large = quote("tags.kind = 'pretraining' and tags.method = 'llm'")
        browser.get(f"{pages}/#/experiments/{experiment}/runs?searchFilter={large}")
        shows(browser, "pretrain llm all seed17", "1 matching run")
        browser.get(f"{pages}/#/experiments/{experiment}/runs/{model.info.run_id}")
        shows(
            browser, str(model.info.run_name), "test/perplexity", "specialize.patience", model.data.tags["fingerprint"]
        )
        browser.get(f"{pages}/#/experiments/{experiment}/runs/{model.info.run_id}/model-metrics")
        shows(browser, "train", "test", "finetune", "flops_specialize")
        browser.get(f"{pages}/#/experiments/{experiment}/runs/{study.info.run_id}/artifacts/tables/table_8.md")
        shows(browser, "figures", "tables/table_8.md", "Perplexity at every pretraining budget")


def shows(browser: object, *texts: str) -> None:
    """Wait until all texts stand on the page."""
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    def page(driver: object) -> str:
        return str(driver.find_element(By.TAG_NAME, "body").text)  # type: ignore[attr-defined]

    def all_there(driver: object) -> bool:
        return all(text in page(driver) for text in texts)

    try:
        WebDriverWait(browser, 120, ignored_exceptions=(Exception,)).until(all_there)
    except Exception:
        raise AssertionError(f"{texts} not all in:\n{page(browser)}") from None


def test_a_server_is_a_store_like_any_other(tracked: Clone, pages: str) -> None:
    """By its address over HTTP the same runs are there; their files go through the server."""
    shutil.rmtree(tracked.results / "tracking")
    os.environ["MLFLOW_TRACKING_URI"] = pages
    try:
        tracked.snakemake(*TRACK)
    finally:
        del os.environ["MLFLOW_TRACKING_URI"]
    assert (report(tracked)["store"], report(tracked)["new"]) == (pages, 0)
