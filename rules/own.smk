# A domain of the user's own joins a finished study: advice before anything is spent, then the three methods that fit best.
# Its splits, tokens, clusters, trainings and measurements are made by the rules of every other domain.
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


rule compare_domain:
    input:
        documents=lambda wildcards: document_files(OWN.dataset.dataset),
        generic="<run>/splits/generic/{split}.jsonl.zst",
    output:
        collisions="<run>/{domain}/collisions/generic/{split}.npy",
        sidecar="<run>/{domain}/collisions/generic/{split}.npy.json",
    log:
        "<logs>/compare_domain/{domain}/{split}.log",
    benchmark:
        "<benchmarks>/compare_domain/{domain}/{split}.tsv"
    wildcard_constraints:
        domain=OWN_NAME,
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
    params:
        settings=settings("context", documents=DIVIDED),
        revision=STAGE_REVISION["split"],
    message:
        "Looking for documents of {wildcards.domain} in generic, {wildcards.split}"
    script:
        "../scripts/compare_domain.py"


rule split_domain:
    input:
        documents=lambda wildcards: document_files(OWN.dataset.dataset),
        train=generic_train("<run>/{{domain}}/collisions/{split}.npy"),
        heldout="<run>/{domain}/collisions/generic/heldout.npy",
    output:
        report="<run>/{domain}/splits.json",
        splits=[f"<run>/splits/{{domain}}/{split}.jsonl.zst" for split in SPLITS_OF_A_DOMAIN],
    log:
        "<logs>/split_domain/{domain}.log",
    benchmark:
        "<benchmarks>/split_domain/{domain}.tsv"
    wildcard_constraints:
        domain=OWN_NAME,
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
    params:
        settings=settings("context", documents=DIVIDED),
        revision=STAGE_REVISION["split"],
    message:
        "Dividing the documents of {wildcards.domain} that the generic text does not hold"
    script:
        "../scripts/split_domain.py"


rule measure_start:
    input:
        valid="<run>/tokens/{domain}/valid.bin",
        checkpoints=f"<run>/pretrain/slm/all/seed{config['seeds'][0]}/checkpoints",
    output:
        documents="<run>/{domain}/start/documents.parquet",
        measurements="<run>/{domain}/start/measurements.json",
    log:
        "<logs>/measure_start/{domain}.log",
    benchmark:
        "<benchmarks>/measure_start/{domain}.tsv"
    conda:
        "../envs/train-cpu.yaml" if config["engine"]["device"] == "cpu" else "../envs/train-cuda.yaml"
    threads: config["engine"]["threads"]
    resources:
        mem_mb=growing(2000),
        gpu=GPUS,
    params:
        settings=settings("evaluate", engine=ONE_PROCESS, budgets=[LIMITS["pretraining"]], seed=config["seeds"][0]),
        revision=STAGE_REVISION["evaluate"],
    message:
        "Measuring the generic model on {wildcards.domain}"
    script:
        "../scripts/measure_start.py"


checkpoint advise_domain:
    input:
        unpack(evidence_inputs),
        methods=REPOSITORY / "config/methods.tsv",
        histograms="<run>/clusters/histograms.tsv",
        clusters=f"<run>/clusters/main/k{config['models']['slm_is']['clusters']}/{{domain}}/train.npy",
        tokens=[f"<run>/tokens/{{domain}}/{split}.bin.json" for split in SPLITS_OF_A_DOMAIN],
        generic=generic_train("<run>/tokens/{split}.bin.json"),
        manifests=lambda wildcards: [
            f"{file.removesuffix('.jsonl.zst')}.json" for file in document_files(OWN.dataset.dataset)
        ],
        report="<run>/{domain}/splits.json",
        checked="<run>/{domain}/checked.json",
        start="<run>/{domain}/start/measurements.json",
    output:
        page="<run>/{domain}/advice.md",
        advice="<run>/{domain}/advice.json",
    log:
        "<logs>/advise_domain/{domain}.log",
    benchmark:
        "<benchmarks>/advise_domain/{domain}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
    params:
        settings=settings("evaluate", study=study_settings(""), k=config["models"]["slm_is"]["clusters"], limits=LIMITS),
        revision=STAGE_REVISION["study"],
    message:
        "Advice for {wildcards.domain}"
    script:
        "../scripts/advise_domain.py"


rule compare_methods:
    input:
        unpack(compare_inputs),
        methods=REPOSITORY / "config/methods.tsv",
        advice="<run>/{domain}/advice.json",
        serving="<run>/{domain}/serving.tsv",
    output:
        results="<run>/{domain}/results.tsv",
    log:
        "<logs>/compare_methods/{domain}.log",
    benchmark:
        "<benchmarks>/compare_methods/{domain}.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
    params:
        settings=settings("evaluate"),
        revision=STAGE_REVISION["study"],
    message:
        "Comparing the methods on {wildcards.domain}"
    script:
        "../scripts/compare_methods.py"


rule export_model:
    input:
        models=lambda wildcards: served_models(chosen_methods(wildcards), wildcards.domain),
        tokenizer="<run>/tokenizer/tokenizer.model",
        advice="<run>/{domain}/advice.json",
        results="<run>/{domain}/results.tsv",
        serving="<run>/{domain}/serving.tsv",
    output:
        model=directory("<run>/{domain}/model"),
    log:
        "<logs>/export_model/{domain}.log",
    benchmark:
        "<benchmarks>/export_model/{domain}.tsv"
    conda:
        "../envs/train-cpu.yaml" if config["engine"]["device"] == "cpu" else "../envs/train-cuda.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
    params:
        settings=lambda wildcards: settings(
            "run", domain=vars(OWN.dataset), generic=vars(DATASETS[config["documents"]["generic"]])
        ),
        revision=STAGE_REVISION["export"],
    message:
        "Writing the model for {wildcards.domain}"
    script:
        "../scripts/export_model.py"
