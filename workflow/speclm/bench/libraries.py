"""The data stages beside the bare libraries that do such work: megabytes of text a second, on one core.

Ours is the whole stage, from file to file with every check; a library has its input in memory and writes nothing, so a
ratio of 0.8 says that reading, checking and writing take a fifth of the stage. k-means and nearest centroids are given
vectors; their megabytes are those of the text behind them.

    encoding 2 MB: stage 0.71 s, sentencepiece alone 0.60 s   ->   2.8 MB/s, ratio 0.85

DSIR (importance resampling by hashed n-grams, of its authors' package data-selection) weighs the same text towards the
same domain; its n-gram frequencies stand ready, as do our tokenizer, embedder and centroids.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from speclm.bench import peers, stages
from speclm.bench.bench import Bench
from speclm.bench.contest import Contestant, contest
from speclm.bench.corpus import Corpus
from speclm.bench.estimate import Estimate, estimate, ratio
from speclm.bench.stages import repeat
from speclm.bench.table import Figures

Work = Callable[[Callable[[], None]], None]
ONE_CORE = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"), "1"),
    "TOKENIZERS_PARALLELISM": "false",
    "TQDM_DISABLE": "1",
    "HF_HUB_OFFLINE": "1",
}
# Peers that nothing but the benchmark uses: in envs/bench.txt, not in the study's lock.
EXTRA = {"faiss": "faiss", "DSIR": "data_selection"}


@dataclass(frozen=True)
class Race:
    """Stages of ours and peers that go over the same text, of so many bytes."""

    bytes: int
    ours: Mapping[str, Work]
    peers: Mapping[str, Work]


def against_libraries(bench: Bench) -> Figures:
    """MB/s of every stage over its libraries'; its MB/s and resident memory."""
    return {name: figure for race in races(bench.corpus, bench.folder) for name, figure in run(race, bench).items()}


def run(race: Race, bench: Bench) -> Figures:
    """The figures of one race; None beside a peer that is not installed."""
    missing = [peer for peer in race.peers if peer in EXTRA and find_spec(EXTRA[peer]) is None]
    for peer in missing:
        print(f"{peer} is not installed, so not measured; make .venv/bench installs it", file=sys.stderr, flush=True)
    theirs = {**ONE_CORE, "HF_HOME": str(bench.folder / "huggingface")}
    contestants = [Contestant(name, work, {**bench.environment, **ONE_CORE}) for name, work in race.ours.items()]
    contestants += [Contestant(name, work, theirs) for name, work in race.peers.items() if name not in missing]
    turns = contest(contestants, bench.rounds, bench.seconds)
    seconds = {name: [turn.seconds for turn in of] for name, of in turns.items()}
    resident = {name: [float(turn.resident) for turn in of] for name, of in turns.items()}
    figures: dict[str, Estimate | None] = {}
    for name in race.ours:
        for peer in race.peers:
            known = peer in turns
            figures[f"{name}: MB/s over {peer}"] = ratio(seconds[peer], seconds[name]) if known else None
            figures[f"{name}: resident memory over {peer}"] = ratio(resident[name], resident[peer]) if known else None
        figures[f"{name}, MB/s"] = estimate([race.bytes / 1e6 / each for each in seconds[name]])
        figures[f"{name}: resident memory, MB"] = estimate([each / 1e6 for each in resident[name]])
    return figures


def races(corpus: Corpus, folder: Path) -> Iterator[Race]:
    """Every stage with its peers."""
    models, output = corpus.models, folder / "race"
    text, whole, domain = corpus.parts["quarter"][0], corpus.whole, corpus.parts["sixteenth"][-1]
    yield Race(
        text.bytes,
        {
            "reading": partial(repeat, partial(stages.read, text)),
            "collecting": partial(repeat, partial(stages.collect, text, models, output)),
        },
        {"datasets": partial(peers.read_with_datasets, text)},
    )
    yield Race(
        text.bytes,
        {"encoding": partial(repeat, partial(stages.encode, text, models, output))},
        {
            "sentencepiece": partial(peers.encode_with_sentencepiece, text, models),
            "tokenizers": partial(peers.encode_with_tokenizers, text, models),
        },
    )
    yield Race(
        text.bytes,
        {"embedding": partial(repeat, partial(stages.embed, text, models, output))},
        {"scikit-learn": partial(peers.embed_with_sklearn, text, models)},
    )
    vectors: list[tuple[str, stages.Stage, Mapping[str, Callable[..., None]]]] = [
        ("k-means", stages.fit, {"scikit-learn": peers.fit_with_sklearn, "faiss": peers.fit_with_faiss}),
        ("assigning", stages.assign, {"scikit-learn": peers.assign_with_sklearn, "faiss": peers.assign_with_faiss}),
    ]
    for name, stage, libraries in vectors:
        yield Race(
            whole.bytes,
            {name: partial(repeat, partial(stage, whole, models, output))},
            {library: partial(peer, whole, models) for library, peer in libraries.items()},
        )
    yield Race(
        text.bytes,
        {"importance weights": partial(repeat, partial(stages.weigh, domain, text, models, output))},
        {"DSIR": partial(peers.weigh_with_dsir, domain, text, folder / "dsir")},
    )
