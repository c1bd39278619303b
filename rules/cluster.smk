# Passages become vectors, vectors the clusters of their windows, and clusters histograms.
localrules:
    list_shards,


rule fit_embedder:
    input:
        tokens=generic_train("<run>/tokens/{split}.bin"),
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
        "Fitting the embedder on generic passages (clustering {wildcards.clustering})"
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
        windows="<run>/embeddings/{clustering}/{corpus}/{split}.windows.npy",
        windows_sidecar="<run>/embeddings/{clustering}/{corpus}/{split}.windows.npy.json",
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
        settings=lambda wildcards: embed_settings(**wildcards),
        revision=STAGE_REVISION["embed"],
    message:
        "Embedding the passages of {wildcards.corpus}, {wildcards.split} (clustering {wildcards.clustering})"
    script:
        "../scripts/embed_split.py"


rule fit_clusters:
    input:
        vectors=generic_train("<run>/embeddings/{{clustering}}/{split}.npy"),
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
        mem_mb=growing(2000 + SAMPLE_MB),
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
        "Clustering generic passages (clustering {wildcards.clustering})"
    script:
        "../scripts/fit_clusters.py"


rule assign_clusters:
    input:
        vectors="<run>/embeddings/{clustering}/{corpus}/{split}.npy",
        windows="<run>/embeddings/{clustering}/{corpus}/{split}.windows.npy",
        centroids=[f"<run>/clusters/{{clustering}}/k{k}/centroids.npy" for k in config["clusters"]["k"]],
    output:
        assignments=[f"<run>/clusters/{{clustering}}/k{k}/{{corpus}}/{{split}}.npy" for k in config["clusters"]["k"]],
        indices=[f"<run>/clusters/{{clustering}}/k{k}/{{corpus}}/{{split}}.index.npy" for k in config["clusters"]["k"]],
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


rule list_shards:
    input:
        shards=lambda wildcards: generic_train(
            f"<run>/{wildcards.files}/{{split}}.{'bin' if wildcards.files == 'tokens' else 'npy'}"
        ),
    output:
        list="<run>/{files}/generic/train.json",
    log:
        "<logs>/list_shards/{files}.log",
    benchmark:
        "<benchmarks>/list_shards/{files}.tsv"
    wildcard_constraints:
        files=r"tokens|clusters/\w+/k\d+",
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=growing(500),
    params:
        settings={},
        revision=STAGE_REVISION["cluster"],
    message:
        "Listing the shards in {wildcards.files}"
    script:
        "../scripts/list_shards.py"


rule count_histograms:
    input:
        generic=[
            file for k in config["clusters"]["k"] for file in generic_train(f"<run>/clusters/main/k{k}/{{split}}.npy")
        ],
        domains=[
            f"<run>/clusters/main/k{k}/{domain}/train.npy"
            for domain in config["domains"]
            for k in config["clusters"]["k"]
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
        settings={"domains": config["domains"], "k": config["clusters"]["k"]},
        revision=STAGE_REVISION["cluster"],
    message:
        "Counting the cluster histogram of every corpus"
    script:
        "../scripts/count_histograms.py"


rule repeat_clusters:
    input:
        generic=generic_train("<run>/embeddings/main/{split}.npy"),
        domains=[f"<run>/embeddings/main/{domain}/train.npy" for domain in config["domains"]],
        generic_windows=generic_train("<run>/embeddings/main/{split}.windows.npy"),
        domain_windows=[f"<run>/embeddings/main/{domain}/train.windows.npy" for domain in config["domains"]],
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
        mem_mb=growing(2000 + SAMPLE_MB),
    params:
        settings=settings("domains", "clusters"),
        revision=STAGE_REVISION["cluster"],
    message:
        "Clustering generic passages with other seeds of k-means"
    script:
        "../scripts/repeat_clusters.py"
