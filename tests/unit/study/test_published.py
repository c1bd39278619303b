"""Published results: made again byte for byte without torch, and refused where they are not one run's."""

import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from speclm.stage.errors import UserError
from speclm.stage.files import read_json, read_table, sha256, write_json, write_table
from speclm.study.__main__ import main
from speclm.study.metrics import write_documents_table
from speclm.study.published import RESULTS, RESULTS_OF_VARIANTS, Published, choose, make_all, open_published
from speclm.study.publishing import ABLATIONS, MEASURED, OF_VARIANTS, REPETITIONS, publish
from speclm.study.record import RECORD
from unit.study.made_up import ROOT

LAPTOP = ROOT / "results/published/laptop"


@pytest.fixture
def copy(tmp_path: Path) -> Published:
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


@pytest.fixture
def with_variants(copy: Published) -> Published:
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


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' fonts and rounding differ")
def test_everything_is_made_again_byte_for_byte_and_without_torch(tmp_path: Path) -> None:
    code = (
        f"import sys; from speclm.study.__main__ import main; code = main(['laptop', '--output', {str(tmp_path)!r}]); "
    )
    code += "assert 'torch' not in sys.modules; sys.exit(code)"
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "workflow", capture_output=True, text=True, check=False, timeout=600
    )
    assert ended.returncode == 0, ended.stderr
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 60  # under a minute where nothing else runs
    assert "not made" not in ended.stdout
    assert (tmp_path / "report.html").exists()  # not committed
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.*") if path.name != "report.html")
    pages = [path for name in ("claims.tsv", "assumptions.md", "clusters.*") for path in LAPTOP.rglob(name)]
    results = [path for kind in ("tables", "figures") for path in LAPTOP.rglob(f"{kind}/*")]
    committed = {path.relative_to(LAPTOP) for path in [*pages, *results]}
    assert set(made) == committed
    differing = [str(path) for path in made if (tmp_path / path).read_bytes() != (LAPTOP / path).read_bytes()]
    assert differing == []


def test_the_record_says_where_the_numbers_come_from() -> None:
    record = read_json(LAPTOP / RECORD)
    assert len(record["commit"]) == 40 and record["dirty"] is False
    assert record["processor"] and record["started"].startswith("20")
    assert set(record["sha256"]) == {Path(path).name for path in MEASURED.values()}


def test_a_file_of_another_run_is_refused(copy: Published) -> None:
    metrics = read_table(copy.folder / "metrics.tsv")
    write_table(copy.folder / "metrics.tsv", metrics.assign(nll=metrics["nll"] + 0.01))
    with pytest.raises(UserError, match=r"metrics\.tsv: is not the file of the run that run\.json tells of"):
        _ = copy.evidence
    record_again(copy)  # and if someone writes its checksum as well, its numbers are not those of the documents
    fresh = Published(copy.folder, ROOT)
    with pytest.raises(UserError, match=r"not the number that documents\.parquet gives"):
        _ = fresh.evidence


def test_missing_rows_are_told_on_the_figure(copy: Published, tmp_path: Path) -> None:
    metrics = read_table(copy.folder / "metrics.tsv")
    gone = (metrics["method"] == "slm_pn") & (metrics["domain"] == "sympy") & (metrics["size"] == 2500)
    write_table(copy.folder / "metrics.tsv", metrics.loc[~gone])
    record_again(copy)
    said = dict(make_all(copy, ["figure_4b", "figure_4c", "figure_1"], tmp_path))
    assert said["figure_4b"] == said["figure_1"] == "incomplete: says what is missing"
    assert said["figure_4c"] == ""


def test_rows_that_stand_twice_are_refused(copy: Published) -> None:
    path = copy.folder / "metrics.tsv"
    path.write_text(path.read_text() + path.read_text().splitlines()[-1] + "\n")
    record_again(copy)
    with pytest.raises(UserError, match="stand twice: slm_pn"):
        _ = copy.evidence


def test_what_is_not_published_is_left_as_it_is_and_told(copy: Published, tmp_path: Path) -> None:
    for name in ("documents.parquet", "histograms.tsv", "serving.tsv"):
        (copy.folder / name).unlink()
    said = dict(make_all(copy, ["table_2", "table_4", "table_9", "claims", "figure_4b", "table_3"], tmp_path / "out"))
    assert said["table_2"] == "not made: serving.tsv not published"
    assert said["table_4"] == said["claims"] == "not made: documents.parquet and histograms.tsv not published"
    assert said["table_9"] == "not made: histograms.tsv not published"
    assert said["figure_4b"] == said["table_3"] == ""
    assert not (tmp_path / "out/tables/table_4.tsv").exists()
    assert (tmp_path / "out/figures/figure_4b.pdf").exists()


def test_hours_where_they_are_asked_for(copy: Published, tmp_path: Path) -> None:
    """By the run's own settings, or when the results are made again."""
    assert main(["laptop", "table_3", "figure_4b", "--cost", "device_hours", "--output", str(tmp_path / "asked")]) == 0
    assert (tmp_path / "asked/figures/figure_4b.pdf").exists()
    with pytest.raises(SystemExit):
        main(["laptop", "table_3", "--cost", "device_hours"])
    record = read_json(copy.folder / RECORD)
    record["settings"]["figures"]["cost"] = "device_hours"
    write_json(copy.folder / RECORD, record)
    assert dict(make_all(copy, ["table_3"], tmp_path)) == {"table_3": ""}
    hours = (tmp_path / "tables/table_3.md").read_text()
    assert "in device-hours" in hours and hours == (tmp_path / "asked/tables/table_3.md").read_text()
    (copy.folder / "timings.tsv").unlink()
    fresh = Published(copy.folder, ROOT)
    with pytest.raises(UserError, match=r"figures\.cost: device-hours need timings\.tsv"):
        _ = fresh.evidence


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["labtop"], 'nothing is published of a preset "labtop": did you mean "laptop"'),
        (["laptop", "figure_4e"], 'there is no result "figure_4e": did you mean "figure_4'),
        (["laptop", "tabel_3"], 'there is no result "tabel_3": did you mean "table_3"'),
        (["laptop", "claim_19"], 'there is no result "claim_19": did you mean "claim_9"'),
        (["laptop", "sensitivty"], 'there is no result "sensitivty": did you mean "sensitivity"'),
        (["laptop", "ablations/figure_14d"], 'did you mean "ablations/figure_14'),
    ],
)
def test_unknown_names_get_the_nearest(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main([*arguments, "--output", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert message in said and "Remedy: " in said
    assert list(tmp_path.iterdir()) == []


def test_one_claim_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["laptop", "claim_1"]) == 0
    assert "verdict: holds" in capsys.readouterr().out


def test_all_names_are_results(copy: Published) -> None:
    assert choose([], copy) == list(RESULTS)
    assert choose(["claim_17", "figure_9c"], copy) == ["claim_17", "figure_9c"]


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
    nll = with_variants.evidence.macro("slm_is", 2500, 1200000).values[0]
    assert table.loc["slm_is_seed18", "n2500_difference"] == pytest.approx(-0.001 * nll, rel=1e-3)
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
    gone = (metrics["method"] == "slm_is_k16") & (metrics["domain"] == "sympy") & (metrics["size"] == 2500)
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
