# Importance sampling: generic windows in the proportions of a domain's clusters (section 2 of the paper).
rule sample_importance:
    input:
        unpack(sample_inputs),
    output:
        windows="<run>/importance/{method}/{domain}/seed{seed}.npy",
    log:
        "<logs>/sample_importance/{method}/{domain}/seed{seed}.log",
    benchmark:
        "<benchmarks>/sample_importance/{method}/{domain}/seed{seed}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=growing(500 + DRAWS_MB),
    params:
        settings=lambda wildcards: {
            "clusters": RECIPES[wildcards.method].clusters,
            "context": config["context"],
            "histogram_tokens": histogram_tokens(RECIPES[wildcards.method], wildcards.domain),
            "budget": max(budgets_for(RECIPES[wildcards.method], wildcards.domain)),
            "relative_cost": RECIPES[wildcards.method].config["pretrain"]["relative_cost"]["slm_is"],
            "batch": RECIPES[wildcards.method].config["pretrain"]["batch"]["slm_is"],
        },
        revision=STAGE_REVISION["importance"],
    message:
        "Resampling generic windows to the histogram of {wildcards.domain} for {wildcards.method}, seed {wildcards.seed}"
    script:
        "../scripts/sample_importance.py"
