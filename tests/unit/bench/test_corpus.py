"""The data stages' text: the same documents in every form and however divided."""

import gzip
import json

from speclm.bench.bench import Bench
from speclm.data.windows import open_windows
from speclm.stage.files import read_array, read_documents


def test_parts_and_forms_hold_the_same_documents(data_bench: Bench) -> None:
    corpus = data_bench.corpus
    whole = [document["text"] for document in read_documents(corpus.whole.folder / "documents.jsonl.zst")]
    assert corpus.whole.bytes == sum(len(text.encode()) for text in whole) >= data_bench.text_bytes
    with gzip.open(corpus.whole.folder / "documents.json.gz", "rt", encoding="utf-8") as lines:
        assert [json.loads(line)["text"] for line in lines] == whole
    for name, count in (("quarter", 4), ("sixteenth", 16)):
        texts = corpus.parts[name]
        assert len(texts) == count
        parts = [read_documents(text.folder / "documents.jsonl.zst") for text in texts]
        assert [document["text"] for part in parts for document in part] == whole
        assert sum(text.bytes for text in texts) == corpus.whole.bytes


def test_every_part_is_processed(data_bench: Bench) -> None:
    corpus = data_bench.corpus
    for text in (text for texts in corpus.parts.values() for text in texts):
        windows = open_windows(text.folder / "tokens.bin").count
        assert len(read_array(text.folder / "vectors.windows.npy")) == windows
        assert len(read_array(text.folder / "vectors.npy")) == read_array(text.folder / "vectors.windows.npy")[-1] + 1
        assert len(read_array(text.folder / "clusters.npy")) == windows
        assert len(read_array(text.folder / "index.npy")) == windows + corpus.models.clusters + 1
        domain = list(read_documents(text.folder / "domain.jsonl.zst"))
        generic = list(read_documents(text.folder / "generic.jsonl.zst"))
        assert len(domain) == -(-(len(domain) + len(generic)) // 8)
