"""The page of results/published and the README's table: made of the files, and of them alone."""

import re
import shutil
from pathlib import Path

import pytest

from speclm.stage.errors import UserError
from speclm.stage.files import read_json, read_table, write_json, write_table
from speclm.study.gallery import gallery, with_results, write_gallery
from speclm.study.record import RECORD
from unit.study.made_up import ROOT
from unit.study.published_copies import LAPTOP


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The published laptop study and what is read of the repository, where tests may change it."""
    for name in ("config", "workflow/report"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copytree(LAPTOP, tmp_path / "results/published/laptop")
    (tmp_path / "README.md").write_text("before\n<!-- results of laptop -->\nold\n<!-- end of results -->\nafter\n")
    return tmp_path


def test_a_run_is_shown_with_its_origin_numbers_verdicts_and_figures(repository: Path) -> None:
    page = gallery(repository)
    record = read_json(LAPTOP / RECORD)
    assert f"commit `{record['commit'][:7]}` on {record['processor']}, {record['started'][:10]}" in page
    assert "1 seed (17)" in page and "SLM of 55.5k parameters and LLM of 330k parameters" in page
    table = (LAPTOP / "summary.txt").read_text().split("\n\n")[1]  # what the run itself printed
    rows = [re.split(r" {2,}", line.strip()) for line in table.splitlines()]
    shown = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| ")]
    assert [row for row in shown if row[0] in {row[0] for row in rows}] == rows
    claims = read_table(LAPTOP / "claims.tsv")
    assert len(claims) == 17
    for row in claims.to_dict("records"):
        assert re.search(rf"\| {re.escape(row['claim'])} \| .+ \| {re.escape(row['verdict'])} \|", page)
    pictures = re.findall(r"!\[.+?\]\(laptop/(.+?)\)", page)
    assert sorted(pictures) == sorted(f"figures/{path.name}" for path in (LAPTOP / "figures").glob("*.png"))


def test_seeds_that_were_joined_are_told_with_their_origins(repository: Path) -> None:
    path = repository / "results/published/laptop" / RECORD
    record = read_json(path)
    parts = [
        {**{key: record[key] for key in ("commit", "processor", "started")}, "dirty": dirty, "seeds": seeds}
        for seeds, dirty in (([17], False), ([18, 19], True))
    ]
    write_json(path, {**record, "joined": parts})
    commit = f"commit `{record['commit'][:7]}`"
    told = (
        f"seed 17: {commit} on {record['processor']}, {record['started'][:10]}; seeds 18, 19: {commit}, with changes on"
    )
    assert told in gallery(repository)


def test_the_study_comes_first_and_what_is_absent_is_left_out(repository: Path) -> None:
    shutil.copytree(LAPTOP, repository / "results/published/study")
    (repository / "results/published/study/cards/slm/sympy.md").unlink()
    shutil.rmtree(repository / "results/published/study/figures")
    page = gallery(repository)
    assert re.findall(r"^## (.+)$", page, flags=re.M) == ["The run study", "The run laptop"]
    assert "(study/figures" not in page and "(study/cards)" in page


def test_the_readme_has_eight_rows_between_its_marks(repository: Path) -> None:
    write_gallery(repository)
    text = (repository / "README.md").read_text()
    assert text.startswith("before\n<!-- results of laptop -->\nPerplexity after fine-tuning (FT)")
    assert text.endswith("|\n\n<!-- end of results -->\nafter\n") and "old" not in text
    assert (
        "at the largest budget (20M tokens of the SLM; SLM-is: 5M), with" in text
        and "of one seed. **Lower is better.**\n\n| method" in text
    )
    rows = re.findall(r"^\| (\S+)", text, flags=re.M)
    assert rows[2:] == ["SLM", "SLM-nopt", "LLM", "SLM-mix", "SLM-pn", "SLM-is", "SLM-d", "n-gram"]
    assert with_results(repository) == text
    assert (repository / "results/published/README.md").read_text() == gallery(repository)


def test_changed_files_are_no_longer_the_runs(repository: Path) -> None:
    path = repository / "results/published/laptop/metrics.tsv"
    write_table(path, read_table(path).iloc[1:])
    with pytest.raises(UserError, match="is not the file of the run"):
        gallery(repository)


@pytest.mark.parametrize(
    ("text", "message"),
    [("no marks", "has no place"), ("<!-- results of lab -->\n<!-- end of results -->", "nothing is published")],
)
def test_a_readme_that_cannot_be_filled_is_refused(repository: Path, text: str, message: str) -> None:
    (repository / "README.md").write_text(text)
    with pytest.raises(UserError, match=message):
        with_results(repository)
