"""The tokenizer in the layout that ordinary tools load: tokenizer.json of the library tokenizers.

A sentencepiece vocabulary goes in, a description of the same tokenizer comes out: blanks become "▁", characters that it
does not know become bytes, every text begins with bos. SentencePiece merges the pair whose piece has the highest score;
tokenizers the pair that stands first in a list, which is here in the order of scores:

    pieces "▁t" (-1), "he" (-2), "▁the" (-3)   ->   merges (▁, t), (h, e), (▁t, he)
"""

from __future__ import annotations

from typing import Any

import sentencepiece

from speclm.data.tokenizer import Tokenizer

_BLANK = "▁"


def tokenizer_json(tokenizer: Tokenizer) -> dict[str, Any]:
    """The content of tokenizer.json."""
    processor = tokenizer.processor
    bos = processor.bos_id()
    pieces = [processor.id_to_piece(number) for number in range(tokenizer.vocabulary)]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [_added(number, processor) for number in _whole(processor)],
        "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": _BLANK},
        "pre_tokenizer": None,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": pieces[bos], "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {pieces[bos]: {"id": pieces[bos], "ids": [bos], "tokens": [pieces[bos]]}},
        },
        "decoder": {
            "type": "Sequence",
            "decoders": [
                {"type": "Replace", "pattern": {"String": _BLANK}, "content": " "},
                {"type": "ByteFallback"},
                {"type": "Fuse"},
            ],
        },
        "model": _unigram(processor, pieces) if _is_unigram(processor) else _bpe(processor, pieces),
    }


def tokenizer_config(tokenizer: Tokenizer, context: int) -> dict[str, Any]:
    """The content of tokenizer_config.json.

    Shorter texts of a batch are filled up with the unknown token, which no text has (what is not in the vocabulary
    becomes bytes), and before the text, so that a model can go on after it.
    """
    processor = tokenizer.processor
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": processor.id_to_piece(processor.bos_id()),
        "unk_token": processor.id_to_piece(processor.unk_id()),
        "pad_token": processor.id_to_piece(processor.unk_id()),
        "padding_side": "left",
        "model_max_length": context,
        "model_input_names": ["input_ids", "attention_mask"],  # a GPT-2 adds others to its input
        "clean_up_tokenization_spaces": False,
    }


def _bpe(processor: sentencepiece.SentencePieceProcessor, pieces: list[str]) -> dict[str, Any]:
    ordinary = {
        piece: processor.get_score(number)
        for number, piece in enumerate(pieces)
        if not processor.is_control(number) and not processor.is_byte(number) and not processor.is_unknown(number)
    }
    merges = [
        (-score, [piece[:cut], piece[cut:]])
        for piece, score in ordinary.items()
        for cut in range(1, len(piece))
        if piece[:cut] in ordinary and piece[cut:] in ordinary
    ]
    merges.sort(key=lambda merge: merge[0])
    return {
        "type": "BPE",
        "dropout": None,
        "unk_token": pieces[processor.unk_id()],
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": True,
        "byte_fallback": True,
        "ignore_merges": False,
        "vocab": {piece: number for number, piece in enumerate(pieces)},
        "merges": [pair for _, pair in merges],
    }


def _unigram(processor: sentencepiece.SentencePieceProcessor, pieces: list[str]) -> dict[str, Any]:
    return {
        "type": "Unigram",
        "unk_id": processor.unk_id(),
        "vocab": [[piece, processor.get_score(number)] for number, piece in enumerate(pieces)],
        "byte_fallback": True,
    }


def _is_unigram(processor: sentencepiece.SentencePieceProcessor) -> bool:
    """BPE's scores count down by one: they are the order of merges."""
    scores = [
        processor.get_score(number)
        for number in range(processor.get_piece_size())
        if not processor.is_control(number) and not processor.is_byte(number) and not processor.is_unknown(number)
    ]
    return any(score != round(score) for score in scores)


def _whole(processor: sentencepiece.SentencePieceProcessor) -> list[int]:
    """Pieces that are taken out of a text before anything else: unknown, control, and the line end."""
    newline = processor.piece_to_id("\n")
    special = [processor.unk_id(), processor.bos_id()]
    return sorted({*special, *([newline] if newline != processor.unk_id() else [])})


def _added(number: int, processor: sentencepiece.SentencePieceProcessor) -> dict[str, Any]:
    special = processor.is_control(number) or processor.is_unknown(number)
    about = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": special}
    return {"id": number, "content": processor.id_to_piece(number), **about}
