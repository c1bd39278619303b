# A domain of the user's own joins a finished study: advice before anything is spent, then the three methods that fit best.
# Its splits, tokens, clusters, trainings and measurements are made by the rules of every other domain.
include: "own_inputs.smk"


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
