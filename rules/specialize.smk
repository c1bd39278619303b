# Fine-tuning on a domain: all sizes, budgets and ways of choosing the expert of one method, domain and seed.
rule specialize_model:
    input:
        unpack(specialize_inputs),
    output:
        models=directory("<run>/specialize/{method}/{domain}/seed{seed}/models"),
        metrics="<run>/specialize/{method}/{domain}/seed{seed}/metrics.jsonl",
        runs="<run>/specialize/{method}/{domain}/seed{seed}/runs.json",
        summary="<run>/specialize/{method}/{domain}/seed{seed}/summary.json",
    wildcard_constraints:
        method="|".join(method for method in METHODS.index if METHODS.loc[method, "teacher"] == "-"),
    log:
        "<logs>/specialize_model/{method}/{domain}/seed{seed}.log",
    benchmark:
        "<benchmarks>/specialize_model/{method}/{domain}/seed{seed}.tsv"
    params:
        settings=lambda wildcards: specialize_settings(wildcards.method),
        revision=STAGE_REVISION["specialize"],
    threads: config["threads"]
    resources:
        mem_mb=2500,
    conda:
        "../envs/train-cpu.yaml" if config["device"] == "cpu" else "../envs/train-cuda.yaml"
    message:
        "Specialising {wildcards.method} to {wildcards.domain}, seed {wildcards.seed}"
    script:
        "../scripts/specialize_model.py"
