"""Peers beside the methods: in every table of perplexities, every figure of methods, and the closing words."""

import numpy as np
import pandas as pd
import pytest

from speclm.stage.files import read_table
from speclm.study.beside import beside_peers
from speclm.study.claims import judge
from speclm.study.metrics import RUN_COLUMNS
from speclm.study.overview import overview
from speclm.study.peers import PEERS
from speclm.study.plan import KEY, Measurement, expected_measurements, make_plan
from speclm.study.runs import describe_counts, time_counts
from speclm.study.style import LOOKS
from speclm.study.tables import make_table
from unit.study.drawing import assert_labels_apart, assert_within_page, make_figure
from unit.study.made_up import COUNTED, ROOT, SIZES, STUDY, Results, Truth, paper_nll, results_of, sources_of

FIGURES = ["3", "4a", "4b", "4c", "4d", "12", "13"]


def test_a_peer_is_measured_once_for_each_seed_without_a_budget() -> None:
    plan = make_plan({**STUDY, "seeds": (17, 18), "peers": list(PEERS)}, read_table(ROOT / "config/methods.tsv"))
    found = [name for name in expected_measurements(plan) if name.method in PEERS]
    assert {name.budget for name in found} == {0} and {name.selection for name in found} == {"none"}
    each = 1 + 3 * (1 + len(SIZES))  # generic, and three domains before and after each size
    assert len(found) == 2 * (2 * each + 3 * len(SIZES))
    assert not any(name.size == 0 for name in found if name.method == "ngram_domain")
    assert plan.budgets_of("ngram") == (0,) and plan.method("ngram").label == "n-gram"


def test_a_study_that_names_none_has_none() -> None:
    plan = make_plan(STUDY, read_table(ROOT / "config/methods.tsv"))
    assert plan.peers == () and plan.measured == plan.methods


def test_they_stand_in_tables_4_and_8(peer_results: Results) -> None:
    sources = sources_of(peer_results)
    for number in (4, 8):
        raw = make_table(number, sources).raw.set_index("model")
        for name, peer in PEERS.items():
            assert raw.loc[peer.label, [f"n{size}" for size in SIZES]].tolist() == pytest.approx(
                list(COUNTED[name][1:])
            )
        assert raw.loc["n-gram", "before"] == pytest.approx(40) and np.isnan(raw.loc["n-gram-d", "before"])
        assert "without a budget: n-gram (Kneser-Ney" in make_table(number, sources).caption
    assert make_table(8, sources).raw.set_index("model").loc["n-gram", "generic"] == pytest.approx(40)


def test_table_2_tells_what_serving_them_takes(peer_results: Results) -> None:
    raw = make_table(2, sources_of(peer_results)).raw.set_index("model")
    assert raw.loc[[peer.label for peer in PEERS.values()], ["ms_per_token", "bytes_weights"]].notna().all().all()
    assert raw.loc[[peer.label for peer in PEERS.values()], ["pretraining", "specialization"]].isna().all().all()


@pytest.mark.parametrize("name", FIGURES)
def test_they_are_horizontal_lines_in_figures_of_methods(peer_results: Results, name: str) -> None:
    figure = make_figure(name, peer_results.evidence)
    assert_within_page(figure)
    assert_labels_apart(figure)
    size = {"a": 0, "b": 1, "c": 2, "d": 3}.get(name[-1], 1 if name == "12" else 0)
    own = [axes for axes in figure.axes if "aper" not in axes.get_title(loc="left")]
    for axes in own:
        for peer in ("ngram", "ngram_small"):
            levels = [line for line in axes.get_lines() if line.get_color() == LOOKS[peer].colour]
            dashed = [line for line in levels if line.get_linestyle() == "--"]
            assert len(dashed) == 1 and dashed[0].get_ydata()[0] == pytest.approx(COUNTED[peer][size], rel=0.01)
    assert "n-gram" in str([text.get_text() for axes in figure.axes for text in axes.texts]) + str(
        [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    )


def test_the_closing_words_say_whether_networks_are_below(peer_results: Results) -> None:
    """The paper's SLM has 22.6 after 1k tokens and more below; its LLM 10.3 after 64k."""
    small, large = beside_peers(peer_results.evidence)
    assert small.startswith("SLM below the 5-gram of its bytes at every size: yes (1k: ")
    assert large.startswith("LLM below the whole 5-gram at the largest size: yes (64k: ")
    bits = np.log2(COUNTED["ngram"][3]) / 4  # four bytes a token
    assert f"and {bits:.3f} bits a byte" in large
    text = overview(peer_results.evidence, judge(peer_results.evidence).claims)
    assert "5-gram of its bytes" in " ".join(text.split()) and "\nn-gram-s" in text
    assert all(len(line) <= 100 for line in text.splitlines())


def test_a_network_above_a_table_is_told() -> None:
    def better(name: Measurement) -> float:
        return paper_nll(name) - (3 if name.method == "ngram_small" and name.size == SIZES[0] else 0)

    small, _ = beside_peers(results_of(Truth(peers=tuple(PEERS), nll=better)).evidence)
    assert ": no (" in small


def test_claims_are_the_same_beside_them(peer_results: Results, paper_results: Results) -> None:
    beside, alone = (judge(results.evidence) for results in (peer_results, paper_results))
    pd.testing.assert_frame_equal(beside.claims, alone.claims)
    pd.testing.assert_frame_equal(beside.parts, alone.parts)


def test_what_is_said_of_a_count() -> None:
    run = {"ngrams": 50, "bytes": 400, "weight": 0.5, "generic_tokens": 1000, "domain_tokens": 9}
    counts = [
        {"method": "ngram", "domain": "generic", "size": 0, **run, "ngrams": 40, "domain_tokens": 0},
        {"method": "ngram", "domain": "law", "size": 8, **run},
        {"method": "ngram_domain", "domain": "law", "size": 8, **run, "ngrams": 7, "generic_tokens": 0},
    ]
    names = [
        Measurement("ngram", "none", "law", 8, 0, 17, "test"),
        Measurement("ngram_domain", "none", "law", 8, 0, 17, "test"),
    ]
    table = describe_counts(names, counts)
    assert set(table.columns) == {*KEY, *RUN_COLUMNS}
    columns = ["parameters_pretrain", "parameters_serve", "pretrain_tokens", "specialize_tokens", "flops_specialize"]
    assert table[columns].to_numpy().tolist() == [[40, 50, 1000, 9, 0], [7, 7, 0, 9, 0]]
    assert table["expert_spread"].isna().all()  # nothing of theirs has experts
    seconds = {f"{method} law 8": {"generic": 3.0, "specialize": 0.5} for method in ("ngram", "ngram_domain")}
    timed = time_counts(names, {"seconds": seconds, "device": "cpu", "host": "here"})
    assert timed["seconds_generic"].tolist() == [3.0, 3.0] and timed["device"].tolist() == ["cpu", "cpu"]
