"""speclm: small specialised language models under explicit budgets (arXiv 2402.01093).

The rooms follow the flow of data; imports run only downwards in this list:

    bench     speed and memory of training, beside peers and the machine's own rate
    study     metrics, costs, claims, tables, figures          (no torch)
    train     the training loop and everything that calls it
    model     transformer, projected network, mixture
    cluster   embeddings, k-means, histograms, importance sampling
    data      documents, splits, tokenizer, token windows
    stage     jobs, settings, errors, random streams, files    (all that knows of Snakemake)
"""

__version__ = "0.1.0"
