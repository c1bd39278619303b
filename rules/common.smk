# Validation, tables, studies, settings of fine-tuning and wildcard constraints. Nothing else.
import sys
from os.path import relpath
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError

REPOSITORY = Path(workflow.current_basedir).parent
sys.path.insert(0, str(REPOSITORY / "workflow"))
if REPOSITORY.samefile(Path()):  # files named from here: a finished run stays finished when its clone is moved
    REPOSITORY = Path()

from speclm.cluster.importance import DRAW_BYTES
from speclm.data.names import check_domain_names, kept_out
from speclm.data.own import HOW, check_source, packed_arguments, take_own_domain, typed_words
from speclm.data.shards import list_shards, read_datasets
from speclm.model.mixture import expert_parts
from speclm.stage.allocator import exports
from speclm.stage.configuration import check_config, read_texts
from speclm.stage.errors import UserError
from speclm.stage.files import read_json, read_table
from speclm.stage.recipes import clusterings_of, make_recipes, pretraining_settings
from speclm.study.assumptions import origins_of
from speclm.study.budgets import check_reachable, read_limits
from speclm.study.families import figures_of
from speclm.study.peers import PEERS
from speclm.study.plan import make_plan
from speclm.study.record import DECIDING

# Freed memory stays with the process: training on a CPU runs 1.1 to 1.4 times as fast.
shell.prefix(exports() + "; ")

# Raised when the library's code changes what a stage makes: that reruns the stage and what depends on it.
STAGE_REVISION = {
    "collect": 2,
    "split": 1,
    "tokenizer": 1,
    "encode": 3,
    "embed": 2,
    "cluster": 2,
    "importance": 2,
    "pretrain": 4,
    "specialize": 3,
    "evaluate": 2,
    "ngram": 1,
    "study": 3,
    "export": 3,
}

TABLES_IN = {name: read_table(REPOSITORY / "config" / f"{name}.tsv") for name in ("methods", "domains", "datasets")}
SCHEMA = yaml.safe_load((REPOSITORY / "workflow/schemas/config.schema.yaml").read_text())
try:
    typed = workflow.config_settings.config_args or []
    OWN = take_own_domain(config, TABLES_IN, config.get("domains", []), typed_words(typed))
    workflow.config_settings.config_args = packed_arguments(typed)  # for the processes of jobs
    read_texts(config, SCHEMA)
    check_config(config, SCHEMA, TABLES_IN, ", ".join(map(str, workflow.configfiles)))
    check_domain_names(config["domains"])
    DOMAINS = TABLES_IN["domains"].set_index("domain").loc[config["domains"]]
    DATASET_OF = {"generic": config["documents"]["generic"], **DOMAINS["dataset"]}
    DATASETS = read_datasets(TABLES_IN["datasets"], DATASET_OF.values())
    # A data set whose files are not there yet has one shard, whose job says so.
    SHARDS = {name: list_shards(dataset) or [{}] for name, dataset in DATASETS.items()}
    limits = read_limits(OWN.limits if OWN else {}, config["pretrain"]["budgets"], config["pretrain"]["domain_budgets"])
    if OWN:  # what would come to nothing, or in the place of other results, is refused before anything is made
        check_source(OWN, Path("results") / config["run"])
        if (serving := Path(f"results/{config['run']}/serving.tsv")).exists():
            check_reachable(limits, read_table(serving))
    LIMITS = vars(limits)
except UserError as error:
    raise WorkflowError(str(error)) from None

# A domain of the user's own, "own/…", is none of the study's: it joins them where a wildcard names one. No name is "-".
OWN_NAME = OWN.name if OWN else "-"
READ = {**DATASETS, **({OWN.dataset.dataset: OWN.dataset} if OWN else {})}
SHARDS |= {OWN.dataset.dataset: OWN.shards} if OWN else {}
STRICT = {name: config["documents"]["strict"] or (OWN is not None and name == OWN.name and OWN.strict) for name in READ}
SPLITS_OF_A_DOMAIN = ["train", "valid", "test"]
DEVIATIONS = {corpus: DATASETS[name].deviation for corpus, name in DATASET_OF.items() if DATASETS[name].departs}
RECIPES = make_recipes(config, TABLES_IN["methods"])
# No name is "-": a pattern that nothing matches.
TAUGHT = [name for name, recipe in RECIPES.items() if recipe.teacher != "-"] or ["-"]
METHODS = {name: recipe for name, recipe in RECIPES.items() if name in config["methods"]}
CLUSTERINGS = clusterings_of(RECIPES)
CORPORA = ["generic", *config["domains"]]
# What splits depend on beside the documents that are read.
DIVIDED = {key: value for key, value in config["documents"].items() if key not in ("minimum_characters", "strict")}
# Generic train is one file for each shard of its data set; every other split is one file.
GENERIC_TRAIN = [f"train/{shard:05d}" for shard in range(len(SHARDS[config["documents"]["generic"]]))]
SPLITS = {corpus: [*GENERIC_TRAIN, "heldout"] if corpus == "generic" else SPLITS_OF_A_DOMAIN for corpus in CORPORA}
ALL_SPLITS = [f"{corpus}/{split}" for corpus in CORPORA for split in SPLITS[corpus]]
PLACED = [split for split in ALL_SPLITS if "/train/" not in split]
PAGES = ["data_card.md", "croissant.json", "assumptions.md", "report.html", "summary.txt", "relative_cost.txt"]
PAGES += ["tables/scale.md"]
TABLES = range(1, 11)
FIGURES = ["trend", "1", "2", "3", "5", "6", "8", "12", "13"]
FIGURES += [f"4{panel}" for panel in "abcd"[: 1 + len(config["specialize"]["sizes"])]]
FIGURES += [f"9{panel}" for panel in "abc"[: len(config["specialize"]["sizes"])]]


# What a job asks of a cluster: GPUs, and memory that grows when it is tried again. A checkpoint of the paper's largest
# model alone is 9 GB.
GPUS = int(config["engine"]["device"] == "cuda")
TRAINING_MB = 24000 if GPUS else 2500
# K-means holds its sample up to four times while it draws and fits; importance sampling keeps all its draws.
SAMPLE_MB = 4 * 4 * config["clusters"]["fit_passages"] * config["embedder"]["dimensions"] // 10**6
# Counting sorts some arrays of all tokens: 80 bytes a token were measured.
NGRAM_MB = 500 + 100 * max(config["ngram"]["generic_tokens"], *config["specialize"]["sizes"]) // 10**6
DRAWS_MB = DRAW_BYTES * max(config["pretrain"]["domain_budgets"]) // config["context"] // 10**6


def generic_train(pattern):
    """The files of generic train, one for each shard, from a pattern of the split."""
    return [pattern.format(split=f"generic/{split}") for split in GENERIC_TRAIN]


def growing(mb):
    return lambda wildcards, attempt: mb * attempt


def parts(recipe, domain):
    """The pretrainings that a recipe starts from on a domain: one, one for each expert, or one for the domain."""
    if recipe.kind == "slm_mix":
        return expert_parts(recipe.clusters)
    return [domain] if recipe.kind == "slm_is" else ["all"]


# A study is a folder of results: "" the methods, "ablations/" the methods and their variants.
STUDIES = {"": METHODS, "ablations/": RECIPES}


def study_settings(study):
    """What a complete study holds, for tables, figures and claims."""
    return {
        **{key: config[key] for key in ("methods", "domains", "seeds")},
        **{key: config["pretrain"][key] for key in ("budgets", "domain_budgets")},
        "sizes": config["specialize"]["sizes"],
        "best_finetuned_sizes": config["specialize"]["best_finetuned_sizes"],
        "peers": [] if study else list(PEERS),
        "variants": [recipe.record() for name, recipe in STUDIES[study].items() if name not in METHODS],
    }


ABLATION_FIGURES = figures_of(make_plan(study_settings("ablations/"), TABLES_IN["methods"]))

# The engine of what fills one process: everything but pretraining.
ONE_PROCESS = {**config["engine"], "processes": 1, "shard": False}


def specialize_settings(recipe, domain):
    """What the fine-tuning of a recipe depends on. A domain of the user's own is specialised to with all its text."""
    own = recipe.config
    budgets = recipe.budgets
    if domain == OWN_NAME:
        budgets = [LIMITS["specialization" if recipe.kind == "slm_is" else "pretraining"]]
    by_family = ("learning_rate", "max_steps")
    return {
        "engine": ONE_PROCESS,
        "specialize": {key: value for key, value in own["specialize"].items() if key not in by_family},
        "shape": own["models"][recipe.network],
        "vocabulary": own["tokenizer"]["vocabulary"],
        "context": own["context"],
        "budgets": budgets if recipe.budgets else [],
        "selections": list(recipe.selections),
        "before": recipe.pretrained,
        "rate": own["specialize"]["learning_rate"][recipe.family],
        "max_steps": own["specialize"]["max_steps"][recipe.family],
        "optimizer": {key: own["pretrain"][key] for key in ("betas", "weight_decay", "clip")},
        "evaluate_batch": own["evaluate"]["batch"],
        **({"all_text": True} if domain == OWN_NAME else {}),
    }


PAPER = sorted((REPOSITORY / "config/reference/paper").glob("*.csv"))
CARDS = [f"<run>/cards/{method}/{domain}.md" for method in [*METHODS, *PEERS] for domain in config["domains"]]
LOOKS = sorted((REPOSITORY / "workflow/report").glob("*.*"))
LOCKS = sorted((REPOSITORY / "envs").glob("*.txt"))


wildcard_constraints:
    corpus="|".join([*CORPORA, OWN_NAME]),
    domain="|".join([*config["domains"], OWN_NAME]),
    method="|".join(RECIPES),
    clustering="|".join(CLUSTERINGS),
    study="(ablations/)?",
    own=f"({OWN_NAME}/)?",
    folder=f"splits|{OWN_NAME}",
    part=r"all|expert\d+|" + "|".join([*config["domains"], OWN_NAME]),
    seed=r"\d+",
    k=r"\d+",
    shard=r"\d{5}",
    split=r"train(/\d{5})?|valid|test|heldout",
    table="|".join(map(str, TABLES)),
    figure=r"\d+[a-d]?|trend",
