# Windows become vectors, vectors clusters, clusters histograms, and histograms a sample.
rule fit_embedder:
    input:
        tokens="<run>/tokens/generic/train.bin",
        tokenizer="<run>/tokenizer/tokenizer.model",
    output:
        embedder=directory("<run>/embedder/{clustering}"),
    log:
        "<logs>/fit_embedder/{clustering}.log",
    benchmark:
        "<benchmarks>/fit_embedder/{clustering}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
    params:
        settings=lambda wildcards: {
            "embedder": CLUSTERINGS[wildcards.clustering]["embedder"],
            "seed": CLUSTERINGS[wildcards.clustering]["clusters"]["seed"],
        },
        revision=STAGE_REVISION["embed"],
    message:
        "Fitting the embedder on generic windows (clustering {wildcards.clustering})"
    script:
        "../scripts/fit_embedder.py"


rule embed_split:
    input:
        tokens="<run>/tokens/{corpus}/{split}.bin",
        tokenizer="<run>/tokenizer/tokenizer.model",
        embedder="<run>/embedder/{clustering}",
    output:
        vectors="<run>/embeddings/{clustering}/{corpus}/{split}.npy",
        sidecar="<run>/embeddings/{clustering}/{corpus}/{split}.npy.json",
    log:
        "<logs>/embed_split/{clustering}/{corpus}/{split}.log",
    benchmark:
        "<benchmarks>/embed_split/{clustering}/{corpus}/{split}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        gpu=GPUS,
    params:
        settings=settings(device=config["engine"]["device"]),
        revision=STAGE_REVISION["embed"],
    message:
        "Embedding the windows of {wildcards.corpus}, {wildcards.split} (clustering {wildcards.clustering})"
    script:
        "../scripts/embed_split.py"


rule fit_clusters:
    input:
        vectors="<run>/embeddings/{clustering}/generic/train.npy",
    output:
        centroids=[f"<run>/clusters/{{clustering}}/k{k}/centroids.npy" for k in config["clusters"]["k"]],
    log:
        "<logs>/fit_clusters/{clustering}.log",
    benchmark:
        "<benchmarks>/fit_clusters/{clustering}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
    params:
        settings=lambda wildcards: {
            "clusters": {
                key: value
                for key, value in CLUSTERINGS[wildcards.clustering]["clusters"].items()
                if key != "repetitions"
            }
        },
        revision=STAGE_REVISION["cluster"],
    message:
        "Clustering generic windows (clustering {wildcards.clustering})"
    script:
        "../scripts/fit_clusters.py"


rule assign_clusters:
    input:
        vectors="<run>/embeddings/{clustering}/{corpus}/{split}.npy",
        centroids=[f"<run>/clusters/{{clustering}}/k{k}/centroids.npy" for k in config["clusters"]["k"]],
    output:
        assignments=[f"<run>/clusters/{{clustering}}/k{k}/{{corpus}}/{{split}}.npy" for k in config["clusters"]["k"]],
    log:
        "<logs>/assign_clusters/{clustering}/{corpus}/{split}.log",
    benchmark:
        "<benchmarks>/assign_clusters/{clustering}/{corpus}/{split}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=growing(1500),
    params:
        settings={},
        revision=STAGE_REVISION["cluster"],
    message:
        "Assigning the windows of {wildcards.corpus}, {wildcards.split} (clustering {wildcards.clustering})"
    script:
        "../scripts/assign_clusters.py"


rule count_histograms:
    input:
        assignments=[
            f"<run>/clusters/main/k{k}/{corpus}/train.npy" for corpus in CORPORA for k in config["clusters"]["k"]
        ],
    output:
        histograms="<run>/clusters/histograms.tsv",
    log:
        "<logs>/count_histograms.log",
    benchmark:
        "<benchmarks>/count_histograms.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=growing(500),
    params:
        settings={"corpora": CORPORA, "k": config["clusters"]["k"]},
        revision=STAGE_REVISION["cluster"],
    message:
        "Counting the cluster histogram of every corpus"
    script:
        "../scripts/count_histograms.py"


rule repeat_clusters:
    input:
        vectors=[f"<run>/embeddings/main/{corpus}/train.npy" for corpus in CORPORA],
    output:
        repetitions="<run>/clusters/repetitions.tsv",
    log:
        "<logs>/repeat_clusters.log",
    benchmark:
        "<benchmarks>/repeat_clusters.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
    params:
        settings=settings("clusters", corpora=CORPORA),
        revision=STAGE_REVISION["cluster"],
    message:
        "Clustering generic windows with other seeds of k-means"
    script:
        "../scripts/repeat_clusters.py"


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
        mem_mb=growing(500),
    params:
        settings=lambda wildcards: {
            "clusters": RECIPES[wildcards.method].clusters,
            "context": config["context"],
            "budget": max(budgets_for(wildcards.domain)),
            "relative_cost": RECIPES[wildcards.method].config["pretrain"]["relative_cost"]["slm_is"],
            "batch": RECIPES[wildcards.method].config["pretrain"]["batch"],
        },
        revision=STAGE_REVISION["importance"],
    message:
        "Resampling generic windows to the histogram of {wildcards.domain} for {wildcards.method}, seed {wildcards.seed}"
    script:
        "../scripts/sample_importance.py"
