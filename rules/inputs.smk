# The functions that choose the inputs and the settings of rules. Nothing else.
def document_files(dataset):
    """The documents of a data set, a file for each shard."""
    return [f"<run>/documents/{dataset}/{shard:05d}.jsonl.zst" for shard in range(len(SHARDS[dataset]))]


def local_files(wildcards):
    """The user's own files of a shard, for it to be read again when one changes; odd names cannot be inputs."""
    files = SHARDS[wildcards.dataset][int(wildcards.shard)].values() if READ[wildcards.dataset].kind == "files" else []
    return [file for file in files if not set("{}<>") & set(file) and "://" not in file]


def settings(*keys, **more):
    """The slice of the configuration under `keys`: a stage reruns when its own slice changes, and only then."""
    return {**{key: config[key] for key in keys}, **more}


def splits_together(folder):
    """The splits that are compared: all of the study, or those of the user's own domain and the generic ones."""
    corpora = CORPORA if folder == "splits" else [OWN_NAME, "generic"]
    return [f"{corpus}/{split}" for corpus in corpora for split in SPLITS.get(corpus, SPLITS_OF_A_DOMAIN)]


def stores_kept_out(wildcards):
    """The stores of which an encoded split may hold no window; none where passages may stand in two splits."""
    if config["documents"]["passage_words"] is None:
        return []
    folder = OWN_NAME if wildcards.corpus == OWN_NAME else "splits"
    names = kept_out(f"{wildcards.corpus}/{wildcards.split}", splits_together(folder))
    return [f"<run>/tokens/{name}.bin" for name in names]


def budgets_for(recipe, part):
    """The budgets of a pretraining: of one for the user's own domain only what that may cost."""
    return [LIMITS["specialization"]] if part == OWN_NAME else recipe.budgets


def checkpoint_folders(recipe, domain, seed):
    """The checkpoint folders of a pretraining, in the order of its experts."""
    folder = f"<run>/pretrain/{recipe.name}/{{part}}/seed{seed}/checkpoints"
    return [folder.format(part=part) for part in parts(recipe, domain)]


def clusters(recipe):
    """The files of the clusters of windows that a recipe goes by, as a pattern of the split."""
    return f"<run>/clusters/{recipe.clustering}/k{recipe.clusters}/{{split}}.npy"


def measured(recipes):
    """Every evaluation: what was pretrained on generic text as a whole there, and every recipe on each domain."""
    return [
        (recipe, corpus, seed)
        for seed in config["seeds"]
        for recipe in recipes.values()
        for corpus in CORPORA
        if corpus != "generic" or recipe.generic
    ]


def stage_files(pretrained, specialized):
    """What these trainings and specialisations, by their folders, leave to be described."""
    return {
        "pretrained": [f"{folder}/checkpoints" for folder in pretrained],
        "pretrained_summaries": [f"{folder}/summary.json" for folder in pretrained],
        "specialized": [f"{folder}/models" for folder in specialized],
        "specialized_summaries": [f"{folder}/summary.json" for folder in specialized],
    }


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
    counted = [] if wildcards.study else ["documents.parquet", "runs.json", "summary.json"]
    return {
        "documents": [f"<run>/evaluate/{name}/documents.parquet" for name, _ in names],
        "ngrams": [f"<run>/ngram/{file}" for file in counted],
        "checked": "<run>/splits/checked.json",  # no numbers of splits that share anything
        **stage_files(pretrained, specialized),
    }


def pretrain_inputs(wildcards):
    recipe = RECIPES[wildcards.method]
    files = {"train": "<run>/tokens/generic/train.json", "heldout": "<run>/tokens/generic/heldout.bin"}
    if recipe.kind in ("slm_mix", "slm_pn"):
        files["train_clusters"] = f"<run>/clusters/{recipe.clustering}/k{recipe.clusters}/generic/train.json"
        files["heldout_clusters"] = clusters(recipe).format(split="generic/heldout")
    if recipe.kind == "slm_is":
        files["windows"] = f"<run>/importance/{wildcards.method}/{wildcards.part}/seed{wildcards.seed}.npy"
    return files


def pretrain_settings(recipe, part):
    """What a pretraining depends on."""
    own = pretraining_settings(recipe.config, recipe.kind)
    return settings(
        "engine",
        "context",
        vocabulary=config["tokenizer"]["vocabulary"],
        evaluate_batch=config["evaluate"]["batch"],
        **{**own, "pretrain": {**own["pretrain"], "budgets": budgets_for(recipe, part)}},
    )


def embed_settings(clustering, corpus, split):
    """What embedding a split depends on: passages of a domain's training text end where a stated size of it does."""
    stated = corpus in config["domains"] and split == "train"
    return {
        "device": config["engine"]["device"],
        "passage": CLUSTERINGS[clustering]["embedder"]["passage"],
        "sizes": config["specialize"]["sizes"] if stated else [],
    }


def histogram_tokens(recipe, domain):
    """By how many tokens of a domain its sample of generic text is drawn; null: by all, as a domain of the user's own."""
    return None if domain == OWN_NAME else recipe.config["models"]["slm_is"]["histogram_tokens"]


def sample_inputs(wildcards):
    recipe = RECIPES[wildcards.method]
    index = f"<run>/clusters/{recipe.clustering}/k{recipe.clusters}/{{split}}.index.npy"
    return {"generic": generic_train(index), "domain": clusters(recipe).format(split=f"{wildcards.domain}/train")}


def specialize_inputs(wildcards):
    tokens, recipe = f"<run>/tokens/{wildcards.domain}", RECIPES[wildcards.method]
    files = {"train": f"{tokens}/train.bin", "valid": f"{tokens}/valid.bin"}
    if recipe.pretraining != "-":
        files["checkpoints"] = checkpoint_folders(RECIPES[recipe.pretraining], wildcards.domain, wildcards.seed)
    if recipe.kind in ("slm_mix", "slm_pn"):
        files["clusters"] = clusters(recipe).format(split=f"{wildcards.domain}/train")
    if recipe.config["specialize"]["text"] == "generic":
        files["generic"] = "<run>/tokens/generic/train.json"
        files["finetuned"] = f"<run>/specialize/{recipe.kind}/{wildcards.domain}/seed{wildcards.seed}/runs.json"
    return files


def distill_inputs(wildcards):
    teacher = f"<run>/specialize/{RECIPES[wildcards.method].teacher}/{wildcards.domain}/seed{wildcards.seed}"
    return {**specialize_inputs(wildcards), "teachers": f"{teacher}/models", "teacher_runs": f"{teacher}/runs.json"}


def evaluate_generic_inputs(wildcards):
    recipe = RECIPES[wildcards.method]
    files = {
        "heldout": "<run>/tokens/generic/heldout.bin",
        "checkpoints": checkpoint_folders(recipe, "", wildcards.seed),
    }
    if recipe.kind in ("slm_mix", "slm_pn"):
        files["clusters"] = clusters(recipe).format(split="generic/heldout")
    return files


def report_inputs(wildcards):
    """What the page of a study shows."""
    study = f"<run>/{wildcards.study}"
    files = {name: f"{study}{name}.tsv" for name in ("claims", "claim_parts", "metrics", "costs", "timings")}
    files |= {"assumptions": f"{study}assumptions.md", "data_card": "<run>/data_card.md"}
    if wildcards.study:
        tables = [f"{study}tables/sensitivity.md", f"{study}clusters.md"]
        figures = ABLATION_FIGURES
    else:
        tables = [f"<run>/tables/table_{table}.md" for table in TABLES]
        figures = FIGURES
        files |= {"serving": "<run>/serving.tsv", "scale": "<run>/tables/scale.md", "cards": CARDS}
        files |= {"relative_cost": "<run>/relative_cost.txt"}
    return {**files, "tables": tables, "figures": [f"{study}figures/figure_{name}.png" for name in figures]}


def served_models(recipes, domain):
    """The models of these recipes on one domain, of the first seed."""
    return [f"<run>/specialize/{recipe.name}/{domain}/seed{config['seeds'][0]}/models" for recipe in recipes]


def serving_inputs(wildcards):
    if wildcards.own:
        return {"models": served_models(chosen_methods(wildcards), OWN_NAME)}
    return {"models": served_models(METHODS.values(), config["domains"][0]), "ngrams": "<run>/ngram/tables"}
