"""A specialised model as a folder that ordinary tools load: weights and tokenizer in their layouts, and a model card.

One file of weights and the tokenizer go in; out come model.safetensors, config.json,
generation_config.json, tokenizer.json, tokenizer_config.json and README.md:

    AutoModelForCausalLM.from_pretrained("results/laptop/own/handbook/model")   gives the same logits as our own model

What a file is belongs to `model.gpt2` and `data.tokenizer_json`.
"""

from __future__ import annotations

from pathlib import Path

from speclm.data.tokenizer import Tokenizer
from speclm.data.tokenizer_json import tokenizer_config, tokenizer_json
from speclm.model.gpt2 import generation_config, gpt2_config, gpt2_tensors
from speclm.model.size import ModelSize
from speclm.model.weights import load_weights, write_tensors
from speclm.stage.errors import UserError
from speclm.stage.files import write_json, write_text


def export_model(weights: Path, tokenizer: Tokenizer, card: str, output: Path) -> None:
    """Write the folder.

    Raises:
        UserError: the weights are missing or damaged, or belong to another vocabulary.
    """
    state, meta = load_weights(weights)
    size = ModelSize(**meta["model"])
    if size.vocabulary != tokenizer.vocabulary:
        raise UserError(
            f"has a vocabulary of {size.vocabulary}, the tokenizer one of {tokenizer.vocabulary}",
            where=weights,
            remedy="specialise the model again, with the tokenizer that it was pretrained with",
        )
    output.mkdir(parents=True, exist_ok=True)
    write_tensors(output / "model.safetensors", gpt2_tensors(size, state), format="pt")
    bos, padding = tokenizer.processor.bos_id(), tokenizer.processor.unk_id()
    write_json(output / "config.json", gpt2_config(size, bos, padding))
    write_json(output / "generation_config.json", generation_config(size, bos, padding))
    write_json(output / "tokenizer.json", tokenizer_json(tokenizer))
    write_json(output / "tokenizer_config.json", tokenizer_config(tokenizer, size.context))
    write_text(output / "README.md", card)
