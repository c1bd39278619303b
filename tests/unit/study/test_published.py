"""Published results: made again byte for byte without torch, and refused where they are not one run's."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from speclm.stage.errors import UserError
from speclm.stage.files import read_json, read_table, write_json, write_table
from speclm.study.__main__ import main
from speclm.study.published import RESULTS, Published, choose, make_all
from speclm.study.publishing import MEASURED
from speclm.study.record import RECORD
from unit.study.made_up import ROOT
from unit.study.published_copies import LAPTOP, record_again


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
    names = ("claim*.tsv", "assumptions.md", "clusters.*", "relative_cost.txt")
    pages = [path for name in names for path in LAPTOP.rglob(name)]
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
    gone = (metrics["method"] == "slm_pn") & (metrics["domain"] == "sympy") & (metrics["size"] == 1000)
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
    said = capsys.readouterr().out
    assert "verdict: one seed: cannot tell" in said
    assert "SLM below SLM-nopt after fine-tuning on 1,000 tokens, at the largest budget" in said


def test_all_names_are_results(copy: Published) -> None:
    assert choose([], copy) == list(RESULTS)
    assert choose(["claim_17", "figure_9c"], copy) == ["claim_17", "figure_9c"]
