# SLM-d: the pretrained small model learns the domain from the labels and from the fine-tuned large model.
rule distill_model:
    input:
        unpack(lambda wildcards: specialize_inputs(SimpleNamespace(method="slm_d", **dict(wildcards)))),
        teachers="<run>/specialize/llm/{domain}/seed{seed}/models",
        teacher_runs="<run>/specialize/llm/{domain}/seed{seed}/runs.json",
    output:
        models=directory("<run>/specialize/slm_d/{domain}/seed{seed}/models"),
        metrics="<run>/specialize/slm_d/{domain}/seed{seed}/metrics.jsonl",
        runs="<run>/specialize/slm_d/{domain}/seed{seed}/runs.json",
        summary="<run>/specialize/slm_d/{domain}/seed{seed}/summary.json",
    log:
        "<logs>/distill_model/{domain}/seed{seed}.log",
    benchmark:
        "<benchmarks>/distill_model/{domain}/seed{seed}.tsv"
    conda:
        "../envs/train-cpu.yaml" if config["engine"]["device"] == "cpu" else "../envs/train-cuda.yaml"
    threads: config["engine"]["threads"]
    resources:
        mem_mb=2500,
    params:
        settings=lambda wildcards: {**specialize_settings("slm_d"), "distill": config["distill"]},
        revision=STAGE_REVISION["specialize"],
    message:
        "Distilling the large model into the small one on {wildcards.domain}, seed {wildcards.seed}"
    script:
        "../scripts/distill_model.py"
