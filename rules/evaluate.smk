# Measuring: on held-out generic text and on each domain's test documents, which nothing was chosen by.
rule evaluate_generic:
    input:
        unpack(evaluate_generic_inputs),
    output:
        documents="<run>/evaluate/{method}/generic/seed{seed}/documents.parquet",
        measurements="<run>/evaluate/{method}/generic/seed{seed}/measurements.json",
    log:
        "<logs>/evaluate_generic/{method}/seed{seed}.log",
    benchmark:
        "<benchmarks>/evaluate_generic/{method}/seed{seed}.tsv"
    conda:
        "../envs/train-cpu.yaml" if config["engine"]["device"] == "cpu" else "../envs/train-cuda.yaml"
    threads: config["engine"]["threads"]
    resources:
        mem_mb=growing(2000),
        gpu=GPUS,
    params:
        settings=settings("evaluate", engine=ONE_PROCESS, budgets=config["pretrain"]["budgets"]),
        revision=STAGE_REVISION["evaluate"],
    message:
        "Measuring {wildcards.method} on generic text, seed {wildcards.seed}"
    script:
        "../scripts/evaluate_generic.py"


rule evaluate_domain:
    input:
        test="<run>/tokens/{domain}/test.bin",
        models="<run>/specialize/{method}/{domain}/seed{seed}/models",
        runs="<run>/specialize/{method}/{domain}/seed{seed}/runs.json",
    output:
        documents="<run>/evaluate/{method}/{domain}/seed{seed}/documents.parquet",
        measurements="<run>/evaluate/{method}/{domain}/seed{seed}/measurements.json",
    log:
        "<logs>/evaluate_domain/{method}/{domain}/seed{seed}.log",
    benchmark:
        "<benchmarks>/evaluate_domain/{method}/{domain}/seed{seed}.tsv"
    conda:
        "../envs/train-cpu.yaml" if config["engine"]["device"] == "cpu" else "../envs/train-cuda.yaml"
    threads: config["engine"]["threads"]
    resources:
        mem_mb=growing(2000),
        gpu=GPUS,
    params:
        settings=settings("evaluate", engine=ONE_PROCESS),
        revision=STAGE_REVISION["evaluate"],
    message:
        "Measuring {wildcards.method} on the test documents of {wildcards.domain}, seed {wildcards.seed}"
    script:
        "../scripts/evaluate_domain.py"


# The peer that counts: a 5-gram of the same tokens, in one job for all domains, since nothing of it is trained.
rule count_ngrams:
    input:
        train="<run>/tokens/generic/train.json",
        heldout="<run>/tokens/generic/heldout.bin",
        domain_train=collect("<run>/tokens/{domain}/train.bin", domain=config["domains"]),
        valid=collect("<run>/tokens/{domain}/valid.bin", domain=config["domains"]),
        test=collect("<run>/tokens/{domain}/test.bin", domain=config["domains"]),
    output:
        documents="<run>/ngram/documents.parquet",
        measurements="<run>/ngram/measurements.json",
        runs="<run>/ngram/runs.json",
        summary="<run>/ngram/summary.json",
        tables=directory("<run>/ngram/tables"),
    log:
        "<logs>/count_ngrams.log",
    benchmark:
        "<benchmarks>/count_ngrams.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=growing(NGRAM_MB),
    params:
        settings=settings(
            *("ngram", "domains", "seeds", "context"),
            vocabulary=config["tokenizer"]["vocabulary"],
            shape=config["models"]["slm"],
            budgets=config["pretrain"]["budgets"],
            sizes=config["specialize"]["sizes"],
        ),
        revision=STAGE_REVISION["ngram"],
    message:
        "Counting 5-grams"
    script:
        "../scripts/count_ngrams.py"


# Takes all cores, so that nothing else runs beside it, and uses those that a training uses.
rule measure_serving:
    input:
        unpack(serving_inputs),
    output:
        serving="<run>/{own}serving.tsv",
    log:
        "<logs>/{own}measure_serving.log",
    benchmark:
        "<benchmarks>/{own}measure_serving.tsv"
    conda:
        "../envs/train-cpu.yaml" if config["engine"]["device"] == "cpu" else "../envs/train-cuda.yaml"
    threads: workflow.resource_settings.cores or 1  # pictures of the workflow are drawn without --cores
    resources:
        mem_mb=growing(2500),
        gpu=GPUS,
    params:
        settings=settings("evaluate", engine=ONE_PROCESS),
        revision=STAGE_REVISION["evaluate"],
    message:
        "Measuring what serving costs"
    script:
        "../scripts/measure_serving.py"
