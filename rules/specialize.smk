# Fine-tuning on a domain: all sizes, budgets and ways of choosing the expert of one method, domain and seed.
rule specialize_model:
    input:
        unpack(specialize_inputs),
    output:
        models=directory("<run>/specialize/{method}/{domain}/seed{seed}/models"),
        metrics="<run>/specialize/{method}/{domain}/seed{seed}/metrics.jsonl",
        runs="<run>/specialize/{method}/{domain}/seed{seed}/runs.json",
        summary="<run>/specialize/{method}/{domain}/seed{seed}/summary.json",
    log:
        "<logs>/specialize_model/{method}/{domain}/seed{seed}.log",
    benchmark:
        "<benchmarks>/specialize_model/{method}/{domain}/seed{seed}.tsv"
    wildcard_constraints:
        method="|".join(name for name in RECIPES if name not in TAUGHT) or "-",
    conda:
        "../envs/train-cpu.yaml" if config["engine"]["device"] == "cpu" else "../envs/train-cuda.yaml"
    threads: config["engine"]["threads"]
    resources:
        mem_mb=growing(TRAINING_MB),
        gpu=GPUS,
    params:
        settings=lambda wildcards: specialize_settings(RECIPES[wildcards.method], wildcards.domain),
        revision=STAGE_REVISION["specialize"],
    message:
        "Specialising {wildcards.method} to {wildcards.domain}, seed {wildcards.seed}"
    script:
        "../scripts/specialize_model.py"
