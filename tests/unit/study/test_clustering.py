"""What stands beside results that rest on clusters."""

from speclm.study.clustering import clusters_in_words

CHOSEN = {
    "context": 64,
    "embedder": {"kind": "lsi", "passage": 512},
    "models": {"slm_is": {"clusters": 64, "histogram_tokens": 2500}},
}


def test_the_example_of_the_module() -> None:
    told = (
        "Clusters: passages of up to 512 tokens, embedded by lsi. SLM-is: drawn by the first 2,500 tokens of a domain."
    )
    assert clusters_in_words(CHOSEN) == told


def test_all_text_and_studies_of_before_passages() -> None:
    everything = {**CHOSEN, "models": {"slm_is": {"clusters": 64, "histogram_tokens": None}}}
    assert clusters_in_words(everything).endswith("SLM-is: drawn by all training text of a domain.")
    before = {"context": 64, "embedder": {"kind": "minilm"}, "models": {"slm_is": {"clusters": 64}}}
    told = "Clusters: passages of up to 64 tokens, embedded by minilm. SLM-is: drawn by all training text of a domain."
    assert clusters_in_words(before) == told
