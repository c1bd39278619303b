# The functions that choose the inputs of rules/own.smk, for a domain of the user's own. Nothing else.
def evidence_inputs(wildcards):
    """The study that advice rests on: this run's where it is finished, else the published one of its name."""
    published = REPOSITORY / "results/published" / config["run"]
    finished = Path(f"results/{config['run']}/metrics.tsv").exists() or not published.exists()
    folder = "<run>" if finished else relpath(published)
    files = {"metrics": "metrics.tsv", "documents": "documents.parquet"}
    files |= {name: f"{name}.tsv" for name in ("timings", "serving")}
    return {name: f"{folder}/{file}" for name, file in files.items()}


def chosen_methods(wildcards):
    """The recipes that the advice on the user's own domain says to specialise."""
    advice = checkpoints.advise_domain.get(domain=OWN_NAME).output.advice
    return [RECIPES[name] for name in read_json(advice)["chosen"]]


def compare_inputs(wildcards):
    chosen, seed = chosen_methods(wildcards), config["seeds"][0]
    names = {recipe.pretraining for recipe in chosen} | {
        RECIPES[recipe.teacher].pretraining for recipe in chosen if recipe.teacher != "-"
    }
    pretrained = [
        f"<run>/pretrain/{name}/{part}/seed{seed}"
        for name in sorted(names - {"-"})
        for part in parts(RECIPES[name], wildcards.domain)
    ]
    specialized = [f"<run>/specialize/{recipe.name}/{wildcards.domain}/seed{seed}" for recipe in chosen]
    return {
        "documents": [f"{folder}/documents.parquet".replace("specialize", "evaluate", 1) for folder in specialized],
        **stage_files(pretrained, specialized),
    }


def own_results(wildcards):
    """What `specialize` makes for the domain that the user names."""
    if OWN is None:
        error = UserError("no domain is named", where="specialize", key="domain", remedy=HOW)
        raise WorkflowError(str(error))
    return [f"<run>/{OWN_NAME}/{name}" for name in ("advice.md", "results.tsv", "model")]
