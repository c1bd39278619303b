# Training on generic text: one run per model, with a checkpoint at every point of the cost axis.
rule pretrain_model:
    input:
        unpack(pretrain_inputs),
    output:
        checkpoints=directory("<run>/pretrain/{method}/{part}/seed{seed}/checkpoints"),
        metrics="<run>/pretrain/{method}/{part}/seed{seed}/metrics.jsonl",
        summary="<run>/pretrain/{method}/{part}/seed{seed}/summary.json",
    log:
        "<logs>/pretrain_model/{method}/{part}/seed{seed}.log",
    benchmark:
        "<benchmarks>/pretrain_model/{method}/{part}/seed{seed}.tsv"
    wildcard_constraints:
        method="|".join(name for name, recipe in RECIPES.items() if recipe.pretrained) or "-",
    conda:
        "../envs/train-cpu.yaml" if config["engine"]["device"] == "cpu" else "../envs/train-cuda.yaml"
    threads: config["engine"]["threads"] * config["engine"]["processes"]
    resources:
        mem_mb=growing(TRAINING_MB * config["engine"]["processes"]),
        gpu=GPUS * config["engine"]["processes"],
    params:
        settings=lambda wildcards: pretrain_settings(RECIPES[wildcards.method], wildcards.part),
        revision=STAGE_REVISION["pretrain"],
    message:
        "Pretraining {wildcards.method} ({wildcards.part}), seed {wildcards.seed}"
    script:
        "../scripts/pretrain_model.py"
