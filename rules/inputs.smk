# The functions that choose the inputs and the settings of rules. Nothing else.
def document_files(dataset):
    """The documents of a data set, a file for each shard."""
    return [f"<run>/documents/{dataset}/{shard:05d}.jsonl.zst" for shard in range(len(SHARDS[dataset]))]


def settings(*keys, **more):
    """The slice of the configuration under `keys`: a stage reruns when its own slice changes, and only then."""
    return {**{key: config[key] for key in keys}, **more}


def checkpoints(recipe, domain, seed):
    """The checkpoint folders of a pretraining, in the order of its experts."""
    folder = f"<run>/pretrain/{recipe.name}/{{part}}/seed{seed}/checkpoints"
    return [folder.format(part=part) for part in parts(recipe, domain)]


def clusters(recipe, corpus, split):
    """The clusters of a split's windows that a recipe goes by."""
    return f"<run>/clusters/{recipe.clustering}/k{recipe.clusters}/{corpus}/{split}.npy"


def measured(recipes):
    """Every evaluation: what was pretrained on generic text as a whole there, and every recipe on each domain."""
    return [
        (recipe, corpus, seed)
        for seed in config["seeds"]
        for recipe in recipes.values()
        for corpus in CORPORA
        if corpus != "generic" or recipe.generic
    ]


def gather_inputs(wildcards):
    recipes = STUDIES[wildcards.study]
    pretrained = [
        f"<run>/pretrain/{recipe.name}/{part}/seed{seed}"
        for seed in config["seeds"]
        for recipe in recipes.values()
        if recipe.pretrained
        for part in (config["domains"] if recipe.kind == "slm_is" else parts(recipe, None))
    ]
    names = [(f"{recipe.name}/{corpus}/seed{seed}", corpus) for recipe, corpus, seed in measured(recipes)]
    specialized = [f"<run>/specialize/{name}" for name, corpus in names if corpus != "generic"]
    return {
        "documents": [f"<run>/evaluate/{name}/documents.parquet" for name, _ in names],
        "pretrained": [f"{folder}/checkpoints" for folder in pretrained],
        "pretrained_summaries": [f"{folder}/summary.json" for folder in pretrained],
        "specialized": [f"{folder}/models" for folder in specialized],
        "specialized_summaries": [f"{folder}/summary.json" for folder in specialized],
    }


def pretrain_inputs(wildcards):
    files = {"train": "<run>/tokens/generic/train.bin", "heldout": "<run>/tokens/generic/heldout.bin"}
    recipe = RECIPES[wildcards.method]
    if recipe.kind in ("slm_mix", "slm_pn"):
        for split in ("train", "heldout"):
            files[f"{split}_clusters"] = clusters(recipe, "generic", split)
    if recipe.kind == "slm_is":
        files["windows"] = f"<run>/importance/{wildcards.method}/{wildcards.part}/seed{wildcards.seed}.npy"
    return files


def sample_inputs(wildcards):
    recipe = RECIPES[wildcards.method]
    return {"generic": clusters(recipe, "generic", "train"), "domain": clusters(recipe, wildcards.domain, "train")}


def specialize_inputs(wildcards):
    tokens, recipe = f"<run>/tokens/{wildcards.domain}", RECIPES[wildcards.method]
    files = {"train": f"{tokens}/train.bin", "valid": f"{tokens}/valid.bin"}
    if recipe.pretraining != "-":
        files["checkpoints"] = checkpoints(RECIPES[recipe.pretraining], wildcards.domain, wildcards.seed)
    if recipe.kind in ("slm_mix", "slm_pn"):
        files["clusters"] = clusters(recipe, wildcards.domain, "train")
    return files


def distill_inputs(wildcards):
    teacher = f"<run>/specialize/{RECIPES[wildcards.method].teacher}/{wildcards.domain}/seed{wildcards.seed}"
    return {**specialize_inputs(wildcards), "teachers": f"{teacher}/models", "teacher_runs": f"{teacher}/runs.json"}


def specialize_settings(recipe):
    """What the fine-tuning of a recipe depends on."""
    own = recipe.config
    return {
        "engine": ONE_PROCESS,
        "specialize": {key: value for key, value in own["specialize"].items() if key != "learning_rate"},
        "shape": own["models"][recipe.network],
        "vocabulary": own["tokenizer"]["vocabulary"],
        "context": own["context"],
        "budgets": [] if recipe.pretraining == "-" else own["pretrain"]["budgets"],
        "selections": list(recipe.selections),
        "before": recipe.pretrained,
        "rate": own["specialize"]["learning_rate"][recipe.network],
        "optimizer": {key: own["pretrain"][key] for key in ("betas", "weight_decay", "clip")},
        "evaluate_batch": own["evaluate"]["batch"],
    }


def evaluate_generic_inputs(wildcards):
    recipe = RECIPES[wildcards.method]
    files = {"heldout": "<run>/tokens/generic/heldout.bin", "checkpoints": checkpoints(recipe, "", wildcards.seed)}
    if recipe.kind in ("slm_mix", "slm_pn"):
        files["clusters"] = clusters(recipe, "generic", "heldout")
    return files


def report_inputs(wildcards):
    """What the page of a study shows."""
    study = f"<run>/{wildcards.study}"
    files = {name: f"{study}{name}.tsv" for name in ("claims", "metrics", "costs", "timings")}
    files |= {"assumptions": f"{study}assumptions.md", "data_card": "<run>/data_card.md"}
    if wildcards.study:
        tables = [f"{study}tables/sensitivity.md", f"{study}clusters.md"]
        figures = ABLATION_FIGURES
    else:
        tables = [f"<run>/tables/table_{table}.md" for table in TABLES]
        figures = FIGURES
        files |= {"serving": "<run>/serving.tsv", "cards": CARDS}
    return {**files, "tables": tables, "figures": [f"{study}figures/figure_{name}.png" for name in figures]}
