# From text to tokens.
rule train_tokenizer:
    input:
        documents="<run>/splits/generic/train.jsonl.zst",
    output:
        model="<run>/tokenizer/tokenizer.model",
        sidecar="<run>/tokenizer/tokenizer.json",
    log:
        "<logs>/train_tokenizer.log",
    benchmark:
        "<benchmarks>/train_tokenizer.tsv"
    params:
        settings=settings("tokenizer"),
        revision=STAGE_REVISION["tokenizer"],
    threads: config["tokenizer"]["threads"]
    resources:
        mem_mb=2000,
    conda:
        "../envs/data.yaml"
    message:
        "Training the tokenizer on generic text"
    script:
        "../scripts/train_tokenizer.py"


rule encode_split:
    input:
        documents="<run>/splits/{corpus}/{split}.jsonl.zst",
        tokenizer="<run>/tokenizer/tokenizer.model",
        sidecar="<run>/tokenizer/tokenizer.json",
    output:
        tokens="<run>/tokens/{corpus}/{split}.bin",
        sidecar="<run>/tokens/{corpus}/{split}.json",
        documents="<run>/tokens/{corpus}/{split}.documents.npy",
        documents_sidecar="<run>/tokens/{corpus}/{split}.documents.npy.json",
    log:
        "<logs>/encode_split/{corpus}/{split}.log",
    benchmark:
        "<benchmarks>/encode_split/{corpus}/{split}.tsv"
    params:
        settings=settings("context"),
        revision=STAGE_REVISION["encode"],
    threads: 1
    resources:
        mem_mb=1000,
    conda:
        "../envs/data.yaml"
    message:
        "Encoding {wildcards.corpus}, {wildcards.split}"
    script:
        "../scripts/encode_split.py"
