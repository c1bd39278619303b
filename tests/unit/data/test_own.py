"""The words about a domain of one's own: what they stand for, and what cannot be."""

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from speclm.data.own import OwnDomain, check_source, packed_arguments, take_own_domain, typed_words
from speclm.stage.errors import UserError
from speclm.stage.files import write_json

ROW = {"kind": "files", "source": "a.txt", "revision": "-", "field": "text", "where": "-"}
ROW |= {"licence": "MIT", "origin": "x", "deviation": "-"}
TABLES = {
    "domains": pd.DataFrame(
        [("law", "law", "law_docs"), ("far", "far", "far_docs")], columns=["domain", "label", "dataset"]
    ),
    "datasets": pd.DataFrame([{"dataset": name, **ROW} for name in ("web", "law_docs", "far_docs")]),
}


def take(**words: Any) -> OwnDomain | None:
    return take_own_domain({"methods": ["slm"], **words}, TABLES, ["law"], {})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "My Mails 2024"
    folder.mkdir()
    (folder / "a.txt").write_text("text")
    (folder / "b.jsonl").write_text('{"body": "text"}')
    return folder


def test_a_study_without_one_is_left_alone() -> None:
    config = {"methods": ["slm"], "run": "laptop"}
    assert take_own_domain(config, TABLES, ["law"], {}) is None
    assert config == {"methods": ["slm"], "run": "laptop"}


def test_words_left_empty_name_none() -> None:
    config: dict[str, Any] = {"methods": ["slm"], "domain": "", "licence": "", "latency": None}
    assert take_own_domain(config, TABLES, ["law"], {}) is None
    assert config == {"methods": ["slm"]}


def test_words_about_a_domain_that_is_not_named_are_refused() -> None:
    with pytest.raises(UserError, match=r"domain.*is not named, though licence is\nRemedy: .*make specialize DOMAIN="):
        take(licence="MIT")


def test_its_words_leave_the_configuration(folder: Path) -> None:
    config = {"methods": ["slm"], "domain": str(folder), "licence": "MIT", "origin": "7", "latency": 0.5, "name": ""}
    own = take_own_domain(config, TABLES, ["law"], {})
    assert config == {"methods": ["slm"]}
    assert own is not None
    assert (own.name, own.dataset.licence, own.dataset.origin) == ("own/my_mails_2024", "MIT", "7")
    assert own.limits == {"latency": 0.5}
    assert [sorted(shard) for shard in own.shards] == [["a.txt", "b.jsonl"]]
    assert own.dataset.reading()["field"] == "text"


@pytest.mark.parametrize(
    ("end", "name"),
    [("a.txt", "a"), ("*.txt", "my_mails_2024"), ("**/*.jsonl", "my_mails_2024"), ("", "my_mails_2024")],
)
def test_files_folders_and_patterns_have_names(folder: Path, end: str, name: str) -> None:
    own = take(domain=str(folder / end), licence="MIT", origin="x")
    assert own is not None and own.name == f"own/{name}"


def test_a_row_of_the_table_says_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("text")
    own = take(domain="far")
    assert own is not None
    assert (own.name, own.dataset.dataset, own.dataset.licence) == ("own/far", "far_docs", "MIT")


@pytest.mark.parametrize(
    "name", ["all", "expert0", "generic", "placed", "law", "web", "slm", "own", "seed17", "2024_01"]
)
def test_no_name_meets_one_of_the_study(folder: Path, name: str) -> None:
    """A name that the workflow, its tables or its folders use is a domain's of the user's own without any harm."""
    own = take(domain=str(folder), licence="MIT", origin="x", name=name)
    assert own is not None
    assert own.name == own.dataset.dataset == f"own/{name}"


WORDS = ["notes #2", "2024_01", "0012", "1.10", "it's", 'a "b" c', "$HOME `date` \\", "{a: b}", "null", " x ", "é\n"]


@pytest.mark.parametrize("word", WORDS)
def test_words_count_as_typed_here_and_in_the_processes_of_jobs(word: str) -> None:
    arguments = [f"domain={word}", "seeds=[17]", f"origin={word}"]
    packed = packed_arguments(arguments)
    assert typed_words(arguments) == typed_words(packed) == {"domain": word, "origin": word}
    assert packed[0] == "seeds=[17]" and re.fullmatch(r"own_words=x[0-9a-f]+", packed[1])
    assert packed_arguments(packed) == packed


@pytest.mark.parametrize(("given", "strict"), [({}, False), ({"strict": "yes"}, True), ({"strict": True}, True)])
def test_reading_is_strict_where_it_is_asked_for(folder: Path, given: dict[str, Any], strict: bool) -> None:
    own = take(domain=str(folder), licence="MIT", origin="x", **given)
    assert own is not None and own.strict is strict


def test_quotes_around_a_word_are_no_part_of_it() -> None:
    assert typed_words(["origin='a b'", 'domain="a"', "licence='a", "name="]) == {
        **{"origin": "a b", "domain": "a", "licence": "'a", "name": ""}
    }
    assert packed_arguments(["seeds=[17]"]) == ["seeds=[17]"]


def test_typed_words_count_before_those_of_a_file(folder: Path) -> None:
    config = {"methods": ["slm"], "domain": 202401, "licence": "MIT", "origin": 3, "own_words": "x7b7d"}
    own = take_own_domain(config, TABLES, ["law"], {"domain": str(folder), "origin": "2024_05"})
    assert own is not None
    assert (own.dataset.origin, own.dataset.licence) == ("2024_05", "MIT")
    assert config == {"methods": ["slm"]}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"domain": "law"}, '"law" is a domain of this study'),
        ({"domain": "no/such/folder"}, "there is no such file, folder or pattern"),
        ({"name": "../up"}, '"../up" is no name'),
        ({"licence": ""}, "licence: is not said"),
        ({"origin": None}, "origin: is not said"),
        ({"origin": {"a": "b"}}, "quote it in the configuration file"),
        ({"domain": 202401}, "202401 was read as a int"),
        ({"methods": ["llm"]}, "add slm to the methods"),
    ],
)
def test_what_cannot_be_is_refused(folder: Path, words: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        take(**{"domain": str(folder), "licence": "MIT", "origin": "x", **words})
    assert "Remedy: " in str(caught.value)


def test_a_folder_without_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    with pytest.raises(UserError, match="holds no file that can be read"):
        take(domain=str(tmp_path), licence="MIT", origin="x")


def test_finished_results_of_other_documents_are_not_replaced(folder: Path, tmp_path: Path) -> None:
    own = take(domain=str(folder), licence="MIT", origin="mails")
    assert own is not None
    run = tmp_path / "results/laptop"
    check_source(own, run)  # nothing is there
    read = run / "logs/collect_documents/own/my_mails_2024/00000.summary.json"
    write_json(read, {"settings": {"source": own.dataset.source}})
    write_json(run / "own/my_mails_2024/advice.json", {})
    check_source(own, run)  # the same documents again
    write_json(read, {"settings": {"source": "/elsewhere/my_mails_2024"}})
    with pytest.raises(UserError, match=r"my_mails_2024: name: holds the results of /elsewhere/.*\nRemedy: .*name=…"):
        check_source(own, run)
    (run / "own/my_mails_2024/advice.json").unlink()
    check_source(own, run)  # nothing is lost


def test_a_list_may_have_been_meant_for_the_study() -> None:
    with pytest.raises(
        UserError, match=r"domain: \['law'\] was read as a list\nRemedy: .*study's domains are domains:"
    ):
        take(domain=["law"], licence="MIT", origin="x")


@pytest.mark.parametrize("domain", ["~no_such_user/docs", "~/no such folder of mine", "~no_such_user/[abc]*"])
def test_a_home_that_nobody_has_is_a_path_that_is_not_there(domain: str) -> None:
    with pytest.raises(UserError, match=r": domain: there is no such file, folder or pattern"):
        take(domain=domain, licence="MIT", origin="a test", name="mine")
    with pytest.raises(UserError, match=r": domain: there is no such file, folder or pattern"):
        take(domain=domain, licence="MIT", origin="a test")
