# SLM-d: the pretrained small model learns the domain from the labels and from the fine-tuned large model.
rule distill_model:
    input:
        unpack(distill_inputs),
    output:
        models=directory("<run>/specialize/{method}/{domain}/seed{seed}/models"),
        metrics="<run>/specialize/{method}/{domain}/seed{seed}/metrics.jsonl",
        runs="<run>/specialize/{method}/{domain}/seed{seed}/runs.json",
        summary="<run>/specialize/{method}/{domain}/seed{seed}/summary.json",
    log:
        "<logs>/distill_model/{method}/{domain}/seed{seed}.log",
    benchmark:
        "<benchmarks>/distill_model/{method}/{domain}/seed{seed}.tsv"
    wildcard_constraints:
        method="|".join(TAUGHT),
    conda:
        "../envs/train-cpu.yaml" if config["engine"]["device"] == "cpu" else "../envs/train-cuda.yaml"
    threads: config["engine"]["threads"]
    resources:
        mem_mb=growing(TRAINING_MB),
        gpu=GPUS,
    params:
        settings=lambda wildcards: {
            **specialize_settings(RECIPES[wildcards.method], wildcards.domain),
            "distill": RECIPES[wildcards.method].config["distill"],
        },
        revision=STAGE_REVISION["specialize"],
    message:
        "Distilling the large model into {wildcards.method} on {wildcards.domain}, seed {wildcards.seed}"
    script:
        "../scripts/distill_model.py"
