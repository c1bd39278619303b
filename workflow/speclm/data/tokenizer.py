"""The tokenizer: sentencepiece, trained on generic training text only, and lossless.

In goes the generic train split, as many of its shards as it takes; out come ``tokenizer.model`` and
``tokenizer.json``. Every text comes back from its tokens unchanged (no normalisation, bytes as a fall-back for rare
characters), so bits per byte can be compared between vocabularies:

    encode("a  b\\n")  ->  ["a", "▁", "▁b", "\\n"]  ->  "a  b\\n"

The paper's is sentencepiece with 32k pieces trained on C4; model type and options are not published: assumed. The
vocabulary depends on the number of threads, which is therefore a setting of the study and not of the machine.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import sentencepiece

from speclm.stage.errors import UserError
from speclm.stage.files import atomic, read_documents, read_json, sha256, write_json

BOS_ID = 1


@dataclass(frozen=True)
class TokenizerSettings:
    """How the vocabulary is made.

    Attributes:
        vocabulary: number of pieces, with 256 for bytes and 3 special ones.
        model: "bpe" (20 MB take 5 s) or "unigram" (103 s).
        characters: the text that is read, from the start of the shuffled first shard on: bounds memory.
        line_characters: longer lines are cut, because sentencepiece's memory explodes on them.
        threads: the vocabulary depends on it.
    """

    vocabulary: int
    model: Literal["bpe", "unigram"]
    characters: int
    line_characters: int
    threads: int

    def __post_init__(self) -> None:
        for key in ("vocabulary", "characters", "line_characters", "threads"):
            if getattr(self, key) < 1:
                raise UserError("must be 1 or more", key=f"tokenizer.{key}", remedy="give a number above 0")


@dataclass(frozen=True)
class Tokenizer:
    """A trained tokenizer; `sha256` is that of its vocabulary and goes into every store made with it."""

    processor: sentencepiece.SentencePieceProcessor
    sha256: str

    @property
    def vocabulary(self) -> int:
        """Number of pieces."""
        return int(self.processor.get_piece_size())

    @property
    def single_bytes(self) -> list[int]:
        """The pieces that are one byte each, in which characters are written that are no piece."""
        return [piece for piece in range(self.vocabulary) if self.processor.is_byte(piece)]

    def encode(self, texts: list[str], threads: int) -> list[list[int]]:
        """Token ids of every text, without bos; the same for any number of threads."""
        encoded: list[list[int]] = self.processor.encode(texts, num_threads=threads)
        return encoded

    def decode(self, tokens: list[list[int]], threads: int) -> list[str]:
        """Text of every list of ids; special pieces give nothing."""
        decoded: list[str] = self.processor.decode(tokens, num_threads=threads)
        return decoded


def train_tokenizer(documents: Sequence[Path], settings: TokenizerSettings, output: Path) -> dict[str, Any]:
    """Train on the documents of these shards, in order; write the model to `output`, its description beside it (.json).

    Returns:
        The description: settings, characters and lines read, vocabulary_sha256, sha256 of the model file.

    Raises:
        UserError: the text is too small for the vocabulary, or the vocabulary too small for the text.
    """
    lines = list(_training_lines(documents, settings))
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines),
            model_writer=model,
            model_type=settings.model,
            vocab_size=settings.vocabulary,
            num_threads=settings.threads,
            max_sentence_length=4 * settings.line_characters,  # in bytes
            byte_fallback=True,
            unk_id=0,
            bos_id=BOS_ID,
            eos_id=-1,
            pad_id=-1,
            user_defined_symbols=["\n"],  # no training line has one
            normalization_rule_name="identity",
            add_dummy_prefix=False,
            remove_extra_whitespaces=False,
            allow_whitespace_only_pieces=True,
            minloglevel=2,
        )
    except RuntimeError as error:
        raise UserError(
            f"no {settings.vocabulary} pieces can be made from {sum(map(len, lines))} characters ({error})",
            where=documents[0],
            key="tokenizer.vocabulary",
            remedy="lower it (above 300), or raise tokenizer.characters, or give more generic text",
        ) from error
    with atomic(output) as temporary:
        temporary.write_bytes(model.getvalue())
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    facts = {
        "settings": asdict(settings),
        "lines": len(lines),
        "characters": sum(map(len, lines)),
        "vocabulary_sha256": vocabulary_sha256(processor),
        "sha256": sha256(output),
    }
    write_json(output.with_suffix(".json"), facts)
    return facts


def load_tokenizer(path: Path) -> Tokenizer:
    """Open a tokenizer after checking it against its description.

    Raises:
        UserError: the model file is damaged or does not belong to its ``tokenizer.json``.
    """
    sidecar = read_json(path.with_suffix(".json"))
    if sha256(path) != sidecar["sha256"]:
        raise UserError(
            f"is damaged: its checksum is not the one in {path.with_suffix('.json').name}",
            where=path,
            remedy="delete both files and run again",
        )
    return Tokenizer(sentencepiece.SentencePieceProcessor(model_file=str(path)), sidecar["vocabulary_sha256"])


def vocabulary_sha256(processor: sentencepiece.SentencePieceProcessor) -> str:
    """Checksum of the pieces with their scores and kinds: what encodes alike has the same, wherever it was trained."""
    pieces = [
        [processor.id_to_piece(i), repr(processor.get_score(i)), processor.is_control(i), processor.is_byte(i)]
        for i in range(processor.get_piece_size())
    ]
    return hashlib.sha256(json.dumps(pieces, ensure_ascii=False).encode()).hexdigest()


def _training_lines(documents: Sequence[Path], settings: TokenizerSettings) -> Iterator[str]:
    """Lines of at most `line_characters`, until the character budget is spent."""
    left = settings.characters
    for line in _cut(chain.from_iterable(map(read_documents, documents)), settings.line_characters):
        if left <= 0:
            return
        left -= len(line)
        yield line


def _cut(documents: Iterable[dict[str, Any]], longest: int) -> Iterator[str]:
    for document in documents:
        for line in document["text"].split("\n"):
            yield from (line[start : start + longest] for start in range(0, len(line), longest))
