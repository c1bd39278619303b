# From text to tokens.
rule train_tokenizer:
    input:
        documents=generic_train("<run>/splits/{split}.jsonl.zst"),
    output:
        model="<run>/tokenizer/tokenizer.model",
        sidecar="<run>/tokenizer/tokenizer.json",
    log:
        "<logs>/train_tokenizer.log",
    benchmark:
        "<benchmarks>/train_tokenizer.tsv"
    conda:
        "../envs/data.yaml"
    threads: config["tokenizer"]["threads"]
    resources:
        mem_mb=growing(2000),
    params:
        settings=settings("tokenizer"),
        revision=STAGE_REVISION["tokenizer"],
    message:
        "Training the tokenizer on generic text"
    script:
        "../scripts/train_tokenizer.py"


rule encode_split:
    input:
        documents="<run>/splits/{corpus}/{split}.jsonl.zst",
        tokenizer="<run>/tokenizer/tokenizer.model",
        sidecar="<run>/tokenizer/tokenizer.json",
        kept_out=stores_kept_out,
    output:
        tokens="<run>/tokens/{corpus}/{split}.bin",
        sidecar="<run>/tokens/{corpus}/{split}.bin.json",
        documents="<run>/tokens/{corpus}/{split}.documents.npy",
        documents_sidecar="<run>/tokens/{corpus}/{split}.documents.npy.json",
    log:
        "<logs>/encode_split/{corpus}/{split}.log",
    benchmark:
        "<benchmarks>/encode_split/{corpus}/{split}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
    params:
        settings=settings("context"),
        revision=STAGE_REVISION["encode"],
    message:
        "Encoding {wildcards.corpus}, {wildcards.split}"
    script:
        "../scripts/encode_split.py"
