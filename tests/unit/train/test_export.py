"""An exported model is the same model in another library: logits, tokens, text."""

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch

from speclm.data.tokenizer import Tokenizer, TokenizerSettings, load_tokenizer, train_tokenizer
from speclm.model.size import ModelSize
from speclm.model.transformer import Transformer
from speclm.model.weights import save_weights
from speclm.stage.errors import UserError
from speclm.stage.files import write_documents
from speclm.study.model_card import USE
from speclm.train.export import export_model
from unit.uneven import uneven_transformer

SIZE = ModelSize(vocabulary=300, context=32, layers=2, width=24, heads=3, inner=96)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    folder = tmp_path_factory.mktemp("tokenizer")
    write_documents(folder / "train.jsonl.zst", [{"text": f"the window number {i} of the store"} for i in range(200)])
    settings = TokenizerSettings(vocabulary=300, model="bpe", characters=20_000, line_characters=200, threads=1)
    train_tokenizer([folder / "train.jsonl.zst"], settings, folder / "tokenizer.model")
    return load_tokenizer(folder / "tokenizer.model")


@pytest.fixture(scope="module")
def ours() -> Transformer:
    return uneven_transformer(SIZE)


@pytest.fixture(scope="module")
def folder(ours: Transformer, tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    save_weights(folder / "weights.safetensors", ours.state_dict(), model=asdict(SIZE))
    export_model(folder / "weights.safetensors", tokenizer, "# A card\n", folder / "model")
    return folder / "model"


def test_an_ordinary_tool_computes_the_same(ours: Transformer, tokenizer: Tokenizer, folder: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    theirs = AutoModelForCausalLM.from_pretrained(folder).eval()
    text = "the window of the store\n  has 12 numbers, café"
    their_tokenizer = AutoTokenizer.from_pretrained(folder)
    encoded = their_tokenizer(text, return_tensors="pt", truncation=True)
    tokens_1T = encoded["input_ids"]
    assert tokens_1T.tolist() == [[1, *tokenizer.encode([text], threads=1)[0]][: SIZE.context]]
    with torch.no_grad():
        logits_1TV = theirs(**encoded).logits
    torch.testing.assert_close(logits_1TV, ours.logits(tokens_1T), rtol=1e-5, atol=1e-6)
    assert text.startswith(their_tokenizer.decode(tokens_1T[0], skip_special_tokens=True))
    assert theirs.generate(**their_tokenizer("the", return_tensors="pt"), max_new_tokens=3).shape[1] > 3


def test_the_cards_own_words_run(folder: Path) -> None:
    """In the pipeline that it announces, without a word about length: the text fills the context, and no more."""
    (code,) = re.findall(r"```python\n(.*?)```", USE, flags=re.S)
    names: dict[str, Any] = {}
    exec(code.replace("this folder", str(folder)), names)
    (made,) = names["generate"]("the window", return_tensors=True)
    assert len(made["generated_token_ids"]) == SIZE.context
    with pytest.raises(ValueError, match="max_length"):
        names["generate"]("the window number " * 20)


def test_texts_of_a_batch_go_on_as_each_alone(folder: Path) -> None:
    """What fills up the shorter one stands before it, and is no part of it."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
    texts = ["the", "the window number 12 of"]
    together = model.generate(**tokenizer(texts, padding=True, return_tensors="pt"), max_new_tokens=5)
    for text, row in zip(texts, together, strict=True):
        alone = model.generate(**tokenizer(text, return_tensors="pt"), max_new_tokens=5)
        assert row[-5:].tolist() == alone[0, -5:].tolist()


def test_the_folder_holds_all_that_is_needed(folder: Path) -> None:
    names = {"README.md", "config.json", "generation_config.json", "model.safetensors"}
    names |= {"tokenizer.json", "tokenizer_config.json"}
    assert {path.name for path in folder.iterdir()} == names
    assert json.loads((folder / "config.json").read_text())["n_inner"] == 96


def test_weights_of_another_vocabulary_are_refused(tokenizer: Tokenizer, tmp_path: Path) -> None:
    other = ModelSize(vocabulary=301, context=8, layers=1, width=8, heads=1, inner=8)
    save_weights(tmp_path / "w.safetensors", uneven_transformer(other).state_dict(), model=asdict(other))
    with pytest.raises(UserError, match="has a vocabulary of 301, the tokenizer one of 300"):
        export_model(tmp_path / "w.safetensors", tokenizer, "", tmp_path / "model")
    assert not (tmp_path / "model").exists()
