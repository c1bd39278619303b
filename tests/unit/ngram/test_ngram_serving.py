"""What is counted of a served table follows from the table."""

from pathlib import Path

import numpy as np

from speclm.ngram.files import save_table
from speclm.ngram.kneser_ney import train_ngram
from speclm.ngram.serving import ServedNgram


def test_facts_are_the_tables_and_times_are_positive(tmp_path: Path) -> None:
    table = train_ngram(np.random.default_rng(1).integers(0, 9, 200), 9)
    save_table(tmp_path / "ngram.safetensors", table, method="ngram")
    served = ServedNgram(tmp_path / "ngram.safetensors", batch_windows=2, context=16, generated=8)
    assert served.facts == {
        "method": "ngram",
        "parameters": table.ngrams,
        "bytes_weights": table.bytes,
        **{"bytes_text": 0, "flops_per_token": 0, "context": 4, "batch": 2, "generated": 8},
    }
    assert min(served.turn()) > 0
