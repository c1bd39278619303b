# Documents: collected from each data set, then de-duplicated and divided; the generic ones shard by shard.
localrules:
    report_splits,
    write_card,


rule collect_documents:
    input:
        files=local_files,
    output:
        documents="<run>/documents/{dataset}/{shard}.jsonl.zst",
        manifest="<run>/documents/{dataset}/{shard}.json",
    log:
        "<logs>/collect_documents/{dataset}/{shard}.log",
    benchmark:
        "<benchmarks>/collect_documents/{dataset}/{shard}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
    params:
        settings=lambda wildcards: {
            **READ[wildcards.dataset].reading(),
            "files": SHARDS[wildcards.dataset][int(wildcards.shard)],
            "minimum_characters": config["documents"]["minimum_characters"],
            "strict": STRICT[wildcards.dataset],
        },
        revision=STAGE_REVISION["collect"],
    message:
        "Reading the documents of {wildcards.dataset}, shard {wildcards.shard}"
    script:
        "../scripts/collect_documents.py"


rule split_documents:
    input:
        domains=[file for dataset in DOMAINS["dataset"].unique() for file in document_files(dataset)],
        generic=document_files(DATASET_OF["generic"])[0],
    output:
        placed=directory("<run>/splits/placed"),
        report="<run>/splits/placed.json",
        splits=[f"<run>/splits/{split}.jsonl.zst" for split in PLACED],
    log:
        "<logs>/split_documents.log",
    benchmark:
        "<benchmarks>/split_documents.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
    params:
        settings=settings("context", documents=DIVIDED, datasets=DATASET_OF),
        revision=STAGE_REVISION["split"],
    message:
        "Removing duplicates and dividing documents into training, validation and test"
    script:
        "../scripts/split_documents.py"


rule split_shard:
    input:
        documents=f"<run>/documents/{DATASET_OF['generic']}/{{shard}}.jsonl.zst",
        placed="<run>/splits/placed",
        report="<run>/splits/placed.json",
    output:
        documents="<run>/splits/generic/train/{shard}.jsonl.zst",
        facts="<run>/splits/generic/train/{shard}.jsonl.zst.json",
    log:
        "<logs>/split_shard/{shard}.log",
    benchmark:
        "<benchmarks>/split_shard/{shard}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
    params:
        settings=settings("context", documents=DIVIDED),
        revision=STAGE_REVISION["split"],
    message:
        "Removing from generic shard {wildcards.shard} what stands twice or in another split"
    script:
        "../scripts/split_shard.py"


rule report_splits:
    input:
        placed="<run>/splits/placed.json",
        shards=[f"<run>/splits/generic/{split}.jsonl.zst.json" for split in GENERIC_TRAIN],
    output:
        report="<run>/splits/report.json",
    log:
        "<logs>/report_splits.log",
    benchmark:
        "<benchmarks>/report_splits.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=growing(500),
    params:
        settings={},
        revision=STAGE_REVISION["split"],
    message:
        "Reporting what the splits hold and what was removed"
    script:
        "../scripts/report_splits.py"


rule hash_split:
    input:
        documents="<run>/splits/{corpus}/{split}.jsonl.zst",
        tokens="<run>/tokens/{corpus}/{split}.bin",
    output:
        documents="<run>/hashes/{corpus}/{split}.documents.npy",
        documents_sidecar="<run>/hashes/{corpus}/{split}.documents.npy.json",
        windows="<run>/hashes/{corpus}/{split}.windows.npy",
        windows_sidecar="<run>/hashes/{corpus}/{split}.windows.npy.json",
    log:
        "<logs>/hash_split/{corpus}/{split}.log",
    benchmark:
        "<benchmarks>/hash_split/{corpus}/{split}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
    params:
        settings={},
        revision=STAGE_REVISION["split"],
    message:
        "Hashing documents and windows of {wildcards.corpus}, {wildcards.split}"
    script:
        "../scripts/hash_split.py"


rule check_splits:
    input:
        documents=lambda wildcards: [f"<run>/hashes/{name}.documents.npy" for name in splits_together(wildcards.folder)],
        windows=lambda wildcards: [f"<run>/hashes/{name}.windows.npy" for name in splits_together(wildcards.folder)],
    output:
        report="<run>/{folder}/checked.json",
    log:
        "<logs>/check_splits/{folder}.log",
    benchmark:
        "<benchmarks>/check_splits/{folder}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=growing(1500),
    params:
        settings=lambda wildcards: {
            "splits": splits_together(wildcards.folder),
            "passages_removed": config["documents"]["passage_words"] is not None,
        },
        revision=STAGE_REVISION["split"],
    message:
        "Checking that no document and no window stands in two splits"
    script:
        "../scripts/check_splits.py"


rule write_card:
    input:
        manifests=[file.replace(".jsonl.zst", ".json") for dataset in DATASETS for file in document_files(dataset)],
        report="<run>/splits/report.json",
        checked="<run>/splits/checked.json",
        tokens=[f"<run>/tokens/{split}.bin.json" for split in ALL_SPLITS],
    output:
        card=report(
            "<run>/data_card.md",
            caption="../workflow/report/card.rst",
            category="Data",
        ),
    log:
        "<logs>/write_card.log",
    benchmark:
        "<benchmarks>/write_card.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(500),
    params:
        settings={
            "corpora": DATASET_OF,
            "datasets": {name: vars(dataset) for name, dataset in DATASETS.items()},
            "comparisons": {key: config["documents"][key] for key in ("near_duplicate", "passage_words")},
            "splits": ALL_SPLITS,
        },
        revision=STAGE_REVISION["study"],
    message:
        "Writing the data card"
    script:
        "../scripts/write_card.py"


rule write_croissant:
    input:
        splits=[f"<run>/splits/{split}.jsonl.zst" for split in ALL_SPLITS],
        report="<run>/splits/report.json",
    output:
        metadata="<run>/croissant.json",
    log:
        "<logs>/write_croissant.log",
    benchmark:
        "<benchmarks>/write_croissant.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(500),
    params:
        settings={
            "run": config["run"],
            "corpora": DATASET_OF,
            "datasets": {name: vars(dataset) for name, dataset in DATASETS.items()},
        },
        revision=STAGE_REVISION["study"],
    message:
        "Describing the text for machines (Croissant)"
    script:
        "../scripts/write_croissant.py"
