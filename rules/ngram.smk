# The peer that counts: a 5-gram of the same tokens, in one job for all domains, since nothing of it is trained.
rule count_ngrams:
    input:
        train="<run>/tokens/generic/train.json",
        heldout="<run>/tokens/generic/heldout.bin",
        domain_train=collect("<run>/tokens/{domain}/train.bin", domain=config["domains"]),
        valid=collect("<run>/tokens/{domain}/valid.bin", domain=config["domains"]),
        test=collect("<run>/tokens/{domain}/test.bin", domain=config["domains"]),
    output:
        documents="<run>/ngram/documents.parquet",
        measurements="<run>/ngram/measurements.json",
        runs="<run>/ngram/runs.json",
        summary="<run>/ngram/summary.json",
        tables=directory("<run>/ngram/tables"),
    log:
        "<logs>/count_ngrams.log",
    benchmark:
        "<benchmarks>/count_ngrams.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=growing(NGRAM_MB),
    params:
        settings=settings(
            *("ngram", "domains", "seeds", "context"),
            vocabulary=config["tokenizer"]["vocabulary"],
            shape=config["models"]["slm"],
            budgets=config["pretrain"]["budgets"],
            sizes=config["specialize"]["sizes"],
        ),
        revision=STAGE_REVISION["ngram"],
    message:
        "Counting 5-grams"
    script:
        "../scripts/count_ngrams.py"
