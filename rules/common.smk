# Validation, tables, wildcard constraints, and the functions that choose inputs and settings. Nothing else.
import sys
from pathlib import Path
from types import SimpleNamespace

import yaml
from snakemake.exceptions import WorkflowError

REPOSITORY = Path(workflow.current_basedir).parent
sys.path.insert(0, str(REPOSITORY / "workflow"))

from speclm.model.mixture import expert_parts
from speclm.stage.allocator import exports
from speclm.stage.configuration import check_config
from speclm.stage.errors import UserError
from speclm.stage.files import read_table

# Freed memory stays with the process: training on a CPU runs 1.1 to 1.4 times as fast.
shell.prefix(exports() + "; ")

# Raised when the library's code changes what a stage makes: that reruns the stage and what depends on it.
STAGE_REVISION = {
    "collect": 1,
    "split": 1,
    "tokenizer": 1,
    "encode": 1,
    "embed": 1,
    "cluster": 1,
    "importance": 1,
    "pretrain": 1,
    "specialize": 1,
    "evaluate": 1,
    "study": 1,
}

TABLES_IN = {name: read_table(REPOSITORY / "config" / f"{name}.tsv") for name in ("methods", "domains", "datasets")}
SCHEMA = yaml.safe_load((REPOSITORY / "workflow/schemas/config.schema.yaml").read_text())
try:
    check_config(config, SCHEMA, TABLES_IN, ", ".join(map(str, workflow.configfiles)))
except UserError as error:
    raise WorkflowError(str(error)) from None

METHODS = TABLES_IN["methods"].set_index("method").loc[config["methods"]]
DOMAINS = TABLES_IN["domains"].set_index("domain").loc[config["domains"]]
DATASETS = TABLES_IN["datasets"].set_index("dataset")
CORPORA = ["generic", *config["domains"]]
SPLITS = {corpus: ["train", "heldout"] if corpus == "generic" else ["train", "valid", "test"] for corpus in CORPORA}
PRETRAINED = [method for method in METHODS.index if METHODS.loc[method, "pretraining"] == method]
# SLM-is has no generic perplexity of its own: each of its models is made for one domain.
GENERIC = [method for method in PRETRAINED if method != "slm_is"]
TABLES = range(1, 11)
FIGURES = ["1", "2", "3", "5", "6", "8", "12", "13"]
FIGURES += [f"4{panel}" for panel in "abcd"[: 1 + len(config["specialize"]["sizes"])]]
FIGURES += [f"9{panel}" for panel in "abc"[: len(config["specialize"]["sizes"])]]


def clusters_of(method):
    """k of the clustering that a method is built on."""
    model = config["models"][method]
    return model["clusters"] if method == "slm_is" else model["experts"]


def parts(method, domain):
    """The pretrainings that a method starts from on a domain: one, one for each expert, or one for the domain."""
    if method == "slm_mix":
        return expert_parts(clusters_of(method))
    return [domain] if method == "slm_is" else ["all"]


def all_parts(method):
    """Every pretraining of a method."""
    return config["domains"] if method == "slm_is" else parts(method, None)


# Every evaluation: each method that was pretrained on generic text as a whole there, and each method on each domain.
MEASURED = [
    (method, corpus, seed)
    for seed in config["seeds"]
    for method in METHODS.index
    for corpus in CORPORA
    if corpus != "generic" or method in GENERIC
]
# What a complete study holds, for tables, figures and claims.
STUDY = {
    **{key: config[key] for key in ("methods", "domains", "seeds")},
    **{"sizes": config["specialize"]["sizes"], "budgets": config["pretrain"]["budgets"]},
    "best_finetuned_sizes": config["specialize"]["best_finetuned_sizes"],
}

# The engine of what fills one process: everything but pretraining.
ONE_PROCESS = {**config["engine"], "processes": 1, "shard": False}

PRETRAININGS = [
    f"<run>/pretrain/{method}/{part}/seed{seed}/checkpoints"
    for seed in config["seeds"]
    for method in PRETRAINED
    for part in all_parts(method)
]
SPECIALIZATIONS = [
    f"<run>/specialize/{method}/{domain}/seed{seed}/models" for method, domain, seed in MEASURED if domain != "generic"
]
PAPER = sorted((REPOSITORY / "config/reference/paper").glob("*.csv"))


wildcard_constraints:
    corpus="|".join(CORPORA),
    domain="|".join(config["domains"]),
    method="|".join(METHODS.index),
    part=r"all|expert\d+|" + "|".join(config["domains"]),
    seed=r"\d+",
    k=r"\d+",
    table=r"\d+",
    figure=r"\d+[a-d]?",


def dataset_of(corpus):
    return config["documents"]["generic"] if corpus == "generic" else DOMAINS.loc[corpus, "dataset"]


def settings(*keys, **more):
    """The slice of the configuration under `keys`: a stage reruns when its own slice changes, and only then."""
    return {**{key: config[key] for key in keys}, **more}


def checkpoints(method, domain, seed):
    """The checkpoint folders of a pretraining, in the order of its experts."""
    folder = f"<run>/pretrain/{method}/{{part}}/seed{seed}/checkpoints"
    return [folder.format(part=part) for part in parts(method, domain)]


def pretrain_inputs(wildcards):
    files = {"train": "<run>/tokens/generic/train.bin", "heldout": "<run>/tokens/generic/heldout.bin"}
    method = wildcards.method
    if method in ("slm_mix", "slm_pn"):
        for split in ("train", "heldout"):
            files[f"{split}_clusters"] = f"<run>/clusters/k{clusters_of(method)}/generic/{split}.npy"
    if method == "slm_is":
        k = clusters_of(method)
        files["windows"] = f"<run>/importance/{wildcards.part}/k{k}/seed{wildcards.seed}.npy"
    return files


def specialize_inputs(wildcards):
    tokens = f"<run>/tokens/{wildcards.domain}"
    files = {"train": f"{tokens}/train.bin", "valid": f"{tokens}/valid.bin"}
    base = METHODS.loc[wildcards.method, "pretraining"]
    if base != "-":
        files["checkpoints"] = checkpoints(base, wildcards.domain, wildcards.seed)
    if base in ("slm_mix", "slm_pn"):
        files["clusters"] = f"<run>/clusters/k{clusters_of(base)}/{wildcards.domain}/train.npy"
    return files


def specialize_settings(method):
    """What the fine-tuning of a method depends on."""
    return settings(
        "specialize",
        engine=ONE_PROCESS,
        shape=config["models"]["llm" if method == "llm" else "slm"],
        vocabulary=config["tokenizer"]["vocabulary"],
        context=config["context"],
        budgets=[] if METHODS.loc[method, "pretraining"] == "-" else config["pretrain"]["budgets"],
        selections=METHODS.loc[method, "selections"].split(","),
        before=METHODS.loc[method, "pretraining"] == method,
        rate=config["specialize"]["learning_rate"]["llm" if method == "llm" else "slm"],
        optimizer={key: config["pretrain"][key] for key in ("betas", "weight_decay", "clip")},
        evaluate_batch=config["evaluate"]["batch"],
    )


def evaluate_generic_inputs(wildcards):
    files = {
        "heldout": "<run>/tokens/generic/heldout.bin",
        "checkpoints": checkpoints(wildcards.method, "", wildcards.seed),
    }
    if wildcards.method in ("slm_mix", "slm_pn"):
        files["clusters"] = f"<run>/clusters/k{clusters_of(wildcards.method)}/generic/heldout.npy"
    return files
