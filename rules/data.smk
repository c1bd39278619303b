# Documents: collected from each data set, then de-duplicated and divided.
rule collect_documents:
    output:
        documents="<run>/documents/{dataset}.jsonl.zst",
        manifest="<run>/documents/{dataset}.manifest.json",
    log:
        "<logs>/collect_documents/{dataset}.log",
    benchmark:
        "<benchmarks>/collect_documents/{dataset}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
    params:
        settings=lambda wildcards: {
            **DATASETS.loc[wildcards.dataset, ["kind", "source"]].to_dict(),
            "minimum_characters": config["documents"]["minimum_characters"],
        },
        revision=STAGE_REVISION["collect"],
    message:
        "Reading the documents of {wildcards.dataset}"
    script:
        "../scripts/collect_documents.py"


rule split_documents:
    input:
        generic=f"<run>/documents/{dataset_of('generic')}.jsonl.zst",
        domains=[f"<run>/documents/{dataset_of(domain)}.jsonl.zst" for domain in DOMAINS.index],
    output:
        report="<run>/splits/report.json",
        splits=[f"<run>/splits/{corpus}/{split}.jsonl.zst" for corpus in CORPORA for split in SPLITS[corpus]],
    log:
        "<logs>/split_documents.log",
    benchmark:
        "<benchmarks>/split_documents.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000),
    params:
        settings=settings("documents", "domains"),
        revision=STAGE_REVISION["split"],
    message:
        "Removing duplicates and dividing documents into training, validation and test"
    script:
        "../scripts/split_documents.py"


rule check_splits:
    input:
        tokens=[f"<run>/tokens/{corpus}/{split}.bin" for corpus in CORPORA for split in SPLITS[corpus]],
        splits=[f"<run>/splits/{corpus}/{split}.jsonl.zst" for corpus in CORPORA for split in SPLITS[corpus]],
    output:
        report="<run>/splits/checked.json",
    log:
        "<logs>/check_splits.log",
    benchmark:
        "<benchmarks>/check_splits.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=growing(1500),
    params:
        settings={"splits": [f"{corpus}/{split}" for corpus in CORPORA for split in SPLITS[corpus]]},
        revision=STAGE_REVISION["split"],
    message:
        "Checking that no document and no window stands in two splits"
    script:
        "../scripts/check_splits.py"
