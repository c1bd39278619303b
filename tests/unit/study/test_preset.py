"""Presets by name, and how large their corpora are."""

from pathlib import Path

import pytest
import yaml

from speclm.stage.errors import UserError
from speclm.stage.files import read_table, write_json
from speclm.study.extent import Corpus
from speclm.study.preset import make_study, preset_file, presets

ROOT = Path(__file__).parents[3]
LAPTOP = yaml.safe_load((ROOT / "config/config.yaml").read_text())
TABLES = {name: read_table(ROOT / f"config/{name}.tsv") for name in ("methods", "domains", "datasets")}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "config/reference").mkdir(parents=True)
    for name in ("config", "paper"):
        (tmp_path / f"config/{name}.yaml").touch()
    (tmp_path / "config/reference/corpora.tsv").write_text(
        "dataset\tdocuments\tmegabytes\torigin\n"
        + "".join(f"{name}\t1000\t2.5\tassumed\n" for name in ("installed_docs", "sympy_docs", "networkx_docs"))
    )
    return tmp_path


def test_presets_by_name(repository: Path) -> None:
    assert presets(repository) == {
        "laptop": repository / "config/config.yaml",
        "paper": repository / "config/paper.yaml",
    }
    mine = repository / "mine.yaml"
    mine.touch()
    assert preset_file(repository, "paper") == repository / "config/paper.yaml"
    assert preset_file(repository, str(mine)) == mine


@pytest.mark.parametrize(("name", "near"), [("papr", ': did you mean "paper"?'), ("nothing.yaml", "")])
def test_an_unknown_preset_names_the_nearest(repository: Path, name: str, near: str) -> None:
    with pytest.raises(UserError) as refusal:
        preset_file(repository, name)
    assert str(refusal.value) == f'PRESET: unknown preset "{name}"{near}\nRemedy: one of laptop, paper'


def test_sizes_come_from_the_run_before_the_table(repository: Path) -> None:
    config = {**LAPTOP, "domains": ["sympy", "networkx"]}
    manifest = repository / "results/laptop/documents/sympy_docs/00000.json"
    write_json(manifest, {"documents": 7, "characters": 900})
    study = make_study(config, TABLES, repository)
    assert study.datasets == {"generic": "installed_docs", "sympy": "sympy_docs", "networkx": "networkx_docs"}
    assert study.corpora["sympy_docs"] == Corpus(7, 900)
    assert study.corpora["networkx_docs"] == Corpus(1000, 2_500_000)


def test_a_data_set_of_several_shards(repository: Path) -> None:
    with (repository / "config/reference/corpora.tsv").open("a") as table:
        table.write("c4_sample\t1000\t2.5\tassumed\n")
    config = {**LAPTOP, "documents": {**LAPTOP["documents"], "generic": "c4_sample"}, "domains": ["sympy"]}
    collected = repository / "results/laptop/documents/c4_sample"
    write_json(collected / "00000.json", {"documents": 7, "characters": 900})
    assert make_study(config, TABLES, repository).corpora["c4_sample"] == Corpus(1000, 2_500_000, shards=16)
    for shard in range(1, 16):
        write_json(collected / f"{shard:05d}.json", {"documents": 8, "characters": 100})
    assert make_study(config, TABLES, repository).corpora["c4_sample"] == Corpus(127, 2400, shards=16)


def test_a_data_set_of_unknown_size_is_named(repository: Path) -> None:
    with pytest.raises(UserError, match=r'corpora\.tsv: dataset: how large "sqlalchemy_docs" is, is not known'):
        make_study(LAPTOP, TABLES, repository)


def test_every_data_set_has_a_size() -> None:
    sizes = read_table(ROOT / "config/reference/corpora.tsv")
    assert sizes["dataset"].tolist() == TABLES["datasets"]["dataset"].tolist()
