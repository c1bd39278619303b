"""The work of jobs against closed forms, on a study small enough to count by hand."""

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from speclm.model.size import (
    PAPER_LLM,
    PAPER_SLM,
    LowRank,
    ModelSize,
    ProjectionSize,
    forward_flops_per_token,
    parameter_count,
    projected_parameter_count,
    projection_flops,
    training_flops_per_token,
)
from speclm.study.extent import Corpus, Study
from speclm.study.work import MINILM_FLOPS, WORD_PIECES, Work, trained_tokens, work_of

ROWS = {
    "slm": ("slm", "-", "none"),
    "slm_nopt": ("-", "-", "none"),
    "llm": ("llm", "-", "none"),
    "slm_mix": ("slm_mix", "-", "most_frequent,best_pretrained,best_finetuned"),
    "slm_pn": ("slm_pn", "-", "most_frequent,best_pretrained,best_finetuned"),
    "slm_is": ("slm_is", "-", "none"),
    "slm_d": ("slm", "llm", "none"),
}
COLUMNS = ("pretraining", "teacher", "selections")
METHODS = pd.DataFrame({"method": name, "label": name, **dict(zip(COLUMNS, ROWS[name], strict=True))} for name in ROWS)
CONFIG: dict[str, Any] = {
    "methods": list(ROWS),
    "ablations": [],
    "domains": ["tax"],
    "seeds": [1],
    "context": 10,
    "documents": {"generic": "web", "heldout": 10, "valid": 5, "test": 15},
    "tokenizer": {"vocabulary": 512, "characters": 3000},
    "embedder": {"kind": "lsi", "passage": 12, "dimensions": 8, "words": 50, "fit_passages": 20},
    "clusters": {"k": [2, 4], "iterations": 7, "fit_passages": 30, "repetitions": [17, 18, 19]},
    "models": {
        "slm": {"layers": 2, "width": 8, "heads": 2, "inner": 16},
        "llm": {"layers": 2, "width": 16, "heads": 2, "inner": 64},
        "slm_mix": {"experts": 4},
        "slm_pn": {"experts": 4, "components": 3, "rank": 2, "projected_layers": 1, "start": "random"},
        "slm_is": {"clusters": 2},
    },
    "pretrain": {
        "budgets": [1000, 2000],
        "domain_budgets": [400, 800],
        "cooldown": 0.0,
        "relative_cost": {"slm": 1.0, "llm": 3.5, "slm_mix": 1.0, "slm_pn": 2.0, "slm_is": 1.0},
        "batch": {"slm": 4, "llm": 4, "slm_mix": 1, "slm_pn": 4, "slm_is": 4},
        "learning_rate": dict.fromkeys(ROWS, 0.001),
        "warmup": dict.fromkeys(ROWS, 0.1),
        "micro_batch": 2,
        "evaluate_every": 20,
        "evaluate_windows": 7,
    },
    "specialize": {
        "sizes": [100, 800],
        "max_steps": {"slm": [5, 9], "slm_nopt": [7, 11], "llm": [5, 9]},
        "batch": 2,
        "selection_windows": 20,
        "evaluate_every": [2, 3],
        "valid_windows": 4,
        "best_finetuned_sizes": [100],
        "lora": None,
    },
}
SLM = ModelSize(512, 10, 2, 8, 2, 16)
LLM = ModelSize(512, 10, 2, 16, 2, 64)
TRAIN, TEACH = training_flops_per_token(SLM), forward_flops_per_token(LLM)
# 1.75 bytes a token at this vocabulary: documents of 35 bytes are 20 tokens, 2 windows
STUDY = Study(
    CONFIG,
    METHODS,
    corpora={"web": Corpus(110, 110 * 35), "law": Corpus(60, 60 * 35, shards=2)},
    datasets={"generic": "web", "tax": "law"},
)
TUNED = {"domain": "tax", "seed": "1"}


def work(rule: str, **wildcards: str) -> Work:
    found = work_of(STUDY, rule, wildcards)
    assert found is not None
    return found


def test_text_and_tokens_of_splits() -> None:
    assert work("collect_documents", dataset="law") == Work(text=1050, disk=262)  # one of its two shards
    assert work("split_documents") == Work(text=2100 + 350, disk=int((0.25 + 1.85) * 2450))  # with generic held-out
    assert work("split_shard", shard="00000") == Work(text=3850, disk=962)
    assert work("hash_split", corpus="tax", split="test") == Work(text=525, disk=30 * 8)  # 15 documents, 30 windows
    assert work("train_tokenizer").text == 3000  # of 100 x 35
    assert work("encode_split", corpus="generic", split="train/00000") == Work(tokens=2000, text=3500, disk=4000)
    assert work("encode_split", corpus="tax", split="train").tokens == 40 * 20  # 60 - 5 - 15 documents
    quarter = Study(CONFIG, METHODS, {**STUDY.corpora, "web": Corpus(110, 110 * 35, shards=4)}, STUDY.datasets)
    assert work_of(quarter, "encode_split", {"corpus": "generic", "split": "train/00003"}) == Work(
        tokens=500, text=875, disk=1000
    )
    assert work("encode_split", corpus="tax", split="test").tokens == 15 * 20


def test_embedding_and_clustering() -> None:
    """A document of 20 tokens is two passages, as many as its windows."""
    assert work("fit_embedder").text == 3500 * 20 / 200
    assert work("embed_split", corpus="tax", split="train") == Work(tokens=800, text=1400, disk=(80 * 8 + 80) * 4)
    assert work("fit_clusters") == Work(flops=30 * 2 * 8 * (2 + 4) * 7)
    assert work("assign_clusters", corpus="tax", split="train") == Work(flops=80 * 2 * 8 * 6, disk=2 * 80 * 2 * 4)
    whole = Study({**CONFIG, "embedder": {**CONFIG["embedder"], "passage": 20}}, METHODS, STUDY.corpora, STUDY.datasets)
    assert [whole.passages("tax", split) for split in ("train", "test")] == [40, 15]
    assert work_of(whole, "assign_clusters", {"corpus": "tax", "split": "train"}) == Work(
        flops=40 * 2 * 8 * 6, disk=2 * 80 * 2 * 4
    )
    assert work("repeat_clusters") == Work(flops=3 * (30 * 2 * 8 * 6 * 7 + (200 + 80) * 2 * 8 * 6))


def test_static_vectors_take_the_encoder_for_each_word_and_some_passages() -> None:
    embedder = {**CONFIG["embedder"], "kind": "static"}
    study = Study({**CONFIG, "embedder": embedder}, METHODS, STUDY.corpora, STUDY.datasets)
    assert work_of(study, "fit_embedder", {}) == Work(flops=(50 * WORD_PIECES + 20 * 256) * MINILM_FLOPS, text=350)
    split = {"corpus": "tax", "split": "train"}
    assert work_of(study, "embed_split", split) == work("embed_split", **split)


def test_the_sentence_encoder_computes_on_the_device() -> None:
    study = Study(
        {**CONFIG, "embedder": {"kind": "minilm", "passage": 20, "dimensions": 384}},
        METHODS,
        STUDY.corpora,
        STUDY.datasets,
    )
    found = work_of(study, "embed_split", {"corpus": "tax", "split": "train"})
    assert found == Work("slm", 800, 800 * MINILM_FLOPS, disk=(40 * 384 + 80) * 4)  # passages of 20 are read whole
    assert work_of(study, "fit_embedder", {}) == Work()


def test_pretraining_takes_what_the_largest_budget_buys_in_whole_steps() -> None:
    checkpoints = 2 * 4 * parameter_count(SLM)
    looks = 50 // 20 * 7 * 10 * forward_flops_per_token(SLM)  # every 20 of 50 steps, 7 windows of 10
    assert work("pretrain_model", method="slm", part="all") == Work(
        "slm", 2000, 2000 * TRAIN, disk=checkpoints, looks=looks
    )
    assert work("pretrain_model", method="slm_is", part="tax").tokens == 800
    assert work("pretrain_model", method="slm_mix", part="expert3").tokens == 500  # in steps of its own 10
    llm = work("pretrain_model", method="llm", part="all")
    assert (llm.model, llm.tokens, llm.flops) == ("llm", 560, 560 * training_flops_per_token(LLM))  # 2000 / 3.5 = 571
    pn = work("pretrain_model", method="slm_pn", part="all")
    projection = ProjectionSize(4, 3, 2, 1, "random")
    evaluated = int(50 * 1.75) * projection_flops(SLM, projection)  # two windows of four experts: 1 + 3/4 in each pass
    assert (pn.model, pn.tokens, pn.flops) == ("slm_pn", 1000, 1000 * TRAIN + evaluated)
    assert pn.disk == 2 * 4 * projected_parameter_count(SLM, projection)


def test_a_cooldown_branches_off_one_trunk_at_every_budget() -> None:
    """Of 25 and 50 steps the last 20 % fall: 40 steps of trunk, and branches of 5 and 10."""
    assert trained_tokens([1000, 2000], 0.2, step=40) == (40 + 5 + 10) * 40
    assert trained_tokens([1000, 2000], 0.0, step=40) == 2000
    assert trained_tokens([1000, 1100], 0.5, step=40) == (13 + 12 + 14) * 40  # of 25 and 27 steps


def test_fine_tuning_counts_its_most_steps_and_each_expert_once() -> None:
    each = {100: 5 * 20, 800: 9 * 20}  # tokens of a fine-tuning
    plain = 2 * (each[100] + each[800])
    assert work("specialize_model", method="slm", **TUNED).tokens == plain
    assert work("specialize_model", method="slm", **TUNED).disk == 6 * 4 * parameter_count(SLM)
    assert work("specialize_model", method="slm_nopt", **TUNED).tokens == (7 + 11) * 20  # no budgets, its own steps
    # at the largest budget: every expert at 100; at 800 the most frequent one and the best before fine-tuning
    mix = work("specialize_model", method="slm_mix", **TUNED)
    searched = 4 * 10 * (10 + 20)  # 4 experts on 100 / 10 windows of 10, and on the 20 that are looked at of 80
    tuned = each[100] + each[800] + 4 * each[100] + 2 * each[800]
    assert mix.tokens == tuned + searched
    assert mix.flops == tuned * TRAIN + searched * forward_flops_per_token(SLM)
    assert mix == work("specialize_model", method="slm_pn", **TUNED)


def test_fine_tuning_goes_as_far_as_it_usually_does() -> None:
    """After 1.5 looks: 3 steps of size 100, 4 (of 4.5) of 800. Of slm_nopt nothing is known: its most."""
    usual = replace(STUDY, looks={"slm": 1.5})
    found = work_of(usual, "specialize_model", {"method": "slm", **TUNED})
    assert found is not None
    assert found.tokens == 2 * (3 + 4) * 20
    assert found.looks == 2 * (3 // 2 + 4 // 3) * 4 * 10 * forward_flops_per_token(SLM)
    assert work_of(usual, "specialize_model", {"method": "slm_nopt", **TUNED}).tokens == (7 + 11) * 20  # type: ignore[union-attr]
    long = replace(STUDY, looks={"slm": 1000.0})
    assert work_of(long, "specialize_model", {"method": "slm", **TUNED}).tokens == 2 * (5 + 9) * 20  # type: ignore[union-attr]


def test_distillation_pays_the_teachers_forward_passes() -> None:
    student = work("specialize_model", method="slm", **TUNED)
    taught = work("distill_model", **{**TUNED, "method": "slm_d"})
    assert (taught.tokens, taught.flops) == (student.tokens, student.flops + student.tokens * TEACH)


def test_adapters_take_fewer_flops_for_as_many_tokens() -> None:
    section = {**CONFIG["specialize"], "lora": {"rank": 2, "alpha": 4.0}}
    adapted = Study({**CONFIG, "specialize": section}, METHODS, STUDY.corpora, STUDY.datasets)
    found, full = (work_of(study, "specialize_model", {"method": "llm", **TUNED}) for study in (adapted, STUDY))
    assert found.tokens == full.tokens
    assert found.flops == found.tokens * training_flops_per_token(LLM, LowRank(2, 4.0)) < full.flops


def test_measuring_is_forward_and_once_per_model() -> None:
    domain = work("evaluate_domain", method="slm_mix", **TUNED)
    assert (
        domain.tokens == (2 * 3 + 3) * 15 * 20
    )  # per budget sizes 0, 100, 800; then best_* at 100, best_pretrained at 800
    assert domain.flops == domain.tokens * forward_flops_per_token(SLM)
    assert work("evaluate_generic", method="llm", seed="1").tokens == 2 * 10 * 20
    assert work("evaluate_generic", method="llm", seed="1").model == "llm"


def test_what_is_not_counted_says_so() -> None:
    assert work_of(STUDY, "make_table", {"table": "1"}) is None


def test_the_papers_models_are_of_table_6() -> None:
    assert parameter_count(PAPER_SLM) == pytest.approx(126e6, rel=0.04)
    assert parameter_count(PAPER_LLM) == pytest.approx(771e6, rel=0.02)
