"""What each job of a study takes: tokens, floating point operations, text read, files written; nothing is built or run.

In goes the extent of a study; out comes the work of a job by its rule and wildcards. FLOPs are those of the cost ledger
(model/size.py): 2 per weight and token forward, 6 in training; looks at validation stand beside them. Fine-tuning
counts the steps after which early stopping ended it in the published run.

    pretrain_model slm, 1,200,000 tokens in steps of 8 x 128:   1,171 steps, 1,199,104 tokens, 1.7e12 FLOPs
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from speclm.cluster.sentence_encoder import TAUGHT
from speclm.model.mixture import budget_tokens
from speclm.model.size import (
    LowRank,
    ProjectionSize,
    forward_flops_per_token,
    parameter_count,
    projected_parameter_count,
    projection_flops,
    training_flops_per_token,
)
from speclm.stage.recipes import pretraining_settings
from speclm.study.extent import Study, bytes_per_token
from speclm.study.plan import GENERIC

COMPRESSED = 0.25  # zstd over text, measured on docstrings
PLACED = 1.85  # bytes of what generic shards are compared with for one of text: measured on the laptop's domains
# all-MiniLM-L6-v2: 6 layers, width 384, MLP 1,536; it reads the first 256 pieces of a passage, each attending to all.
MINILM_PIECES = 256
MINILM_FLOPS = 2 * 6 * (4 * 384**2 + 2 * 384 * 1536) + 6 * 4 * MINILM_PIECES * 384
WORD_PIECES = 4  # of a word, with the two that the encoder puts around it
FLOAT = 4  # bytes

Wildcards = Mapping[str, str]


@dataclass(frozen=True)
class Work:
    """Of one job.

    model: whose speed on the device the FLOPs take ("slm", "slm_pn" or "llm"); "" where a processor's core does them.
    text: bytes that a core reads. disk: bytes that stay. looks: FLOPs of looks at validation, which the cost ledger
    leaves out.
    """

    model: str = ""
    tokens: int = 0
    flops: int = 0
    text: int = 0
    disk: int = 0
    looks: int = 0


def work_of(study: Study, rule: str, wildcards: Wildcards) -> Work | None:
    """The work of a job; None for a rule that takes neither text nor products worth counting."""
    return _RULES[rule](study, wildcards) if rule in _RULES else None


def _collect(study: Study, wildcards: Wildcards) -> Work:
    corpus = study.corpora[wildcards["dataset"]]
    text = corpus.text // corpus.shards
    return Work(text=text, disk=int(COMPRESSED * text))


def _split(study: Study, wildcards: Wildcards) -> Work:
    """The domains, and what generic shards are compared with."""
    domains = {dataset for corpus, dataset in study.datasets.items() if corpus != GENERIC}
    text = sum(study.corpora[dataset].text for dataset in domains) + study.text(GENERIC, "heldout")
    return Work(text=text, disk=int((COMPRESSED + PLACED) * text))


def _split_shard(study: Study, wildcards: Wildcards) -> Work:
    generic = study.corpora[study.datasets[GENERIC]]
    text = generic.text // generic.shards
    return Work(text=text, disk=int(COMPRESSED * text))


def _hash(study: Study, wildcards: Wildcards) -> Work:
    split = wildcards["corpus"], wildcards["split"]
    return Work(text=study.text(*split), disk=8 * study.windows(*split))


def _train_tokenizer(study: Study, wildcards: Wildcards) -> Work:
    return Work(text=min(study.config["tokenizer"]["characters"], study.text(GENERIC, "train")))


def _encode(study: Study, wildcards: Wildcards) -> Work:
    split = wildcards["corpus"], wildcards["split"]
    tokens = study.tokens(*split)
    wide = study.config["tokenizer"]["vocabulary"] > 1 << 16
    return Work(tokens=tokens, text=study.text(*split), disk=tokens * (4 if wide else 2))


def _fit_embedder(study: Study, wildcards: Wildcards) -> Work:
    chosen = study.config["embedder"]
    if chosen["kind"] == "minilm":
        return Work()
    share = min(1.0, chosen["fit_passages"] / study.passages(GENERIC, "train"))
    flops = 0
    if chosen["kind"] == "static":
        taught = min(TAUGHT, chosen["fit_passages"]) * MINILM_PIECES
        flops = (chosen["words"] * WORD_PIECES + taught) * MINILM_FLOPS
    return Work(flops=flops, text=int(share * study.text(GENERIC, "train")))


def _embed(study: Study, wildcards: Wildcards) -> Work:
    split = wildcards["corpus"], wildcards["split"]
    passages = study.passages(*split)
    disk = (passages * study.config["embedder"]["dimensions"] + study.windows(*split)) * FLOAT
    if study.config["embedder"]["kind"] != "minilm":
        return Work(tokens=study.tokens(*split), text=study.text(*split), disk=disk)
    pieces = min(study.tokens(*split), passages * MINILM_PIECES)
    return Work("slm", pieces, pieces * MINILM_FLOPS, disk=disk)


def _fit_clusters(study: Study, wildcards: Wildcards) -> Work:
    """The most rounds; usually k-means ends sooner."""
    chosen = study.config["clusters"]
    passages = min(chosen["fit_passages"], study.passages(GENERIC, "train"))
    return Work(flops=passages * _distances(study) * chosen["iterations"])


def _assign(study: Study, wildcards: Wildcards) -> Work:
    split = wildcards["corpus"], wildcards["split"]
    numbers_and_index = 2 * len(study.config["clusters"]["k"]) * FLOAT
    return Work(flops=study.passages(*split) * _distances(study), disk=study.windows(*split) * numbers_and_index)


def _repeat(study: Study, wildcards: Wildcards) -> Work:
    """As `_fit_clusters` for each seed; then every corpus's train passages are assigned."""
    passages = sum(study.passages(corpus, "train") for corpus in (GENERIC, *study.config["domains"]))
    flops = _fit_clusters(study, wildcards).flops + passages * _distances(study)
    return Work(flops=len(study.config["clusters"]["repetitions"]) * flops)


def _distances(study: Study) -> int:
    """FLOPs from one passage to all centroids of all clusterings."""
    return 2 * int(study.config["embedder"]["dimensions"]) * int(sum(study.config["clusters"]["k"]))


def _sample(study: Study, wildcards: Wildcards) -> Work:
    return Work(disk=8 * _pretrain(study, wildcards).tokens // study.config["context"])


def _pretrain(study: Study, wildcards: Wildcards) -> Work:
    recipe = study.recipes[wildcards["method"]]
    section, kind = pretraining_settings(recipe.config, recipe.kind)["pretrain"], recipe.network
    size = study.size(kind)
    experts = recipe.clusters if recipe.kind == "slm_mix" else 1
    bought = budget_tokens(section["budgets"], section["relative_cost"], experts)
    step = section["batch"] * study.config["context"]
    tokens = trained_tokens(bought.values(), section["cooldown"], step)
    parameters, flops = parameter_count(size), tokens * training_flops_per_token(size)
    if recipe.kind == "slm_pn":
        kind, projection = "slm_pn", ProjectionSize(**recipe.config["models"]["slm_pn"])
        parameters = projected_parameter_count(size, projection)
        passes = tokens // (section["micro_batch"] * study.config["context"])
        # Experts with windows in a pass, were all clusters of one size.
        present = projection.experts * (1 - (1 - 1 / projection.experts) ** section["micro_batch"])
        flops += int(passes * present) * projection_flops(size, projection)
    disk = len(section["budgets"]) * parameters * FLOAT
    seen = tokens // step // section["evaluate_every"] * _shown(study, GENERIC, "heldout", section["evaluate_windows"])
    return Work(kind, tokens, flops, disk=disk, looks=seen * forward_flops_per_token(size))


def trained_tokens(bought: Iterable[int], cooldown: float, step: int) -> int:
    """Of the trunk up to its last branch, and of every branch: what a training with these budgets takes, in tokens.

    step: tokens of one step.
    """
    steps = [tokens // step for tokens in bought]
    falling = [round(cooldown * count) for count in steps]
    return step * (max(count - fall for count, fall in zip(steps, falling, strict=True)) + sum(falling))


def _specialize(study: Study, wildcards: Wildcards) -> Work:
    """An expert that two ways choose is fine-tuned once; `best_finetuned` tunes every one."""
    method, domain = wildcards["method"], wildcards["domain"]
    recipe = study.recipes[method]
    section, experts = recipe.config["specialize"], study.experts(recipe.pretraining)
    lora = LowRank(**section["lora"]) if section["lora"] else None
    size, step = study.size(recipe.network), section["batch"] * study.config["context"]
    teacher = 0
    if recipe.teacher != "-":
        teacher = forward_flops_per_token(study.size(study.recipes[recipe.teacher].network))
    steps = study.finetuning_steps(recipe)
    runs = study.measured(method, domain, wildcards["seed"])
    ways: dict[tuple[int, int], set[str]] = {}
    for run in runs:
        ways.setdefault((run.size, run.budget), set()).add(run.selection)
    between = dict(zip(section["sizes"], section["evaluate_every"], strict=True))
    shown = _shown(study, domain, "valid", section["valid_windows"])
    tokens = searched = seen = 0
    for (domain_tokens, _), chosen in ways.items():
        if domain_tokens:  # 0: the model before fine-tuning
            tuned = experts if "best_finetuned" in chosen else min(experts, len(chosen))
            tokens += tuned * steps[domain_tokens] * step
            seen += tuned * (steps[domain_tokens] // between[domain_tokens]) * shown
        if "best_pretrained" in chosen:
            windows = min(section["selection_windows"], domain_tokens // study.config["context"])
            searched += experts * windows * study.config["context"]
    flops = tokens * (training_flops_per_token(size, lora) + teacher) + searched * forward_flops_per_token(size)
    disk = len(runs) * parameter_count(size) * FLOAT
    return Work(recipe.network, tokens + searched, flops, disk=disk, looks=seen * forward_flops_per_token(size))


def _shown(study: Study, corpus: str, split: str, windows: int) -> int:
    """Tokens of one look at validation."""
    return min(windows, study.windows(corpus, split)) * int(study.config["context"])


def _evaluate_domain(study: Study, wildcards: Wildcards) -> Work:
    return _evaluate(study, wildcards, wildcards["domain"], "test")


def _evaluate_generic(study: Study, wildcards: Wildcards) -> Work:
    return _evaluate(study, wildcards, GENERIC, "heldout")


def _evaluate(study: Study, wildcards: Wildcards, corpus: str, split: str) -> Work:
    method = wildcards["method"]
    tokens, kind = study.tokens(corpus, split), study.recipes[method].network
    tokens *= len(study.measured(method, corpus, wildcards["seed"]))
    return Work(kind, tokens, tokens * forward_flops_per_token(study.size(kind)))


def _count(study: Study, wildcards: Wildcards) -> Work:
    """In bytes sorted: a table of both texts, for each domain and size, takes as long as 0.3 of the generic one."""
    config = study.config
    most = min(config["ngram"]["generic_tokens"], max(config["pretrain"]["budgets"]), study.tokens(GENERIC, "train"))
    sizes = config["specialize"]["sizes"]
    tokens = most * (1 + 0.3 * len(sizes) * len(config["domains"])) + len(config["domains"]) * sum(sizes)
    return Work(text=int(tokens * bytes_per_token(config["tokenizer"]["vocabulary"])))


_RULES: dict[str, Callable[[Study, Wildcards], Work]] = {
    "collect_documents": _collect,
    "split_documents": _split,
    "split_shard": _split_shard,
    "hash_split": _hash,
    "train_tokenizer": _train_tokenizer,
    "encode_split": _encode,
    "fit_embedder": _fit_embedder,
    "embed_split": _embed,
    "fit_clusters": _fit_clusters,
    "assign_clusters": _assign,
    "repeat_clusters": _repeat,
    "sample_importance": _sample,
    "pretrain_model": _pretrain,
    "specialize_model": _specialize,
    "distill_model": _specialize,
    "evaluate_generic": _evaluate_generic,
    "evaluate_domain": _evaluate_domain,
    "count_ngrams": _count,
}
COUNTED = tuple(_RULES)  # rules whose work is counted
