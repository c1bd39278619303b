"""A served model in the layout that ordinary tools load: GPT-2's, as of the library transformers.

Weights of a `Transformer` go in; tensors under GPT-2's names, its config.json and generation_config.json come out. Our
transformer is a GPT-2 without biases and without the norms' shifts: these are zeros here, and its matrices stand
transposed. The output matrix is the embedding, once in the file.

    blocks.0.query_key_value (3 D, D)   ->   transformer.h.0.attn.c_attn.weight (D, 3 D), .bias (3 D) of zeros
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from speclm.model.size import ModelSize

_LAYER = {
    "blocks.{}.attention_norm": "ln_1",
    "blocks.{}.query_key_value": "attn.c_attn",
    "blocks.{}.attention_output": "attn.c_proj",
    "blocks.{}.mlp_norm": "ln_2",
    "mlps.{}.up": "mlp.c_fc",
    "mlps.{}.down": "mlp.c_proj",
}


def gpt2_tensors(size: ModelSize, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state dict of a GPT2LMHeadModel that computes what a `Transformer` with these weights does."""
    tensors = {
        "transformer.wte.weight": state["embedding"],
        "transformer.wpe.weight": state["positions"],
        **_with_bias("transformer.ln_f", state["final_norm"]),
    }
    for layer in range(size.layers):
        for ours, theirs in _LAYER.items():
            tensors |= _with_bias(f"transformer.h.{layer}.{theirs}", state[ours.format(layer)])
    return tensors


def gpt2_config(size: ModelSize, bos: int, padding: int) -> dict[str, Any]:
    """Its config.json. `bos` is the token that every text begins with; there is none for an end."""
    return {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "vocab_size": size.vocabulary,
        "n_positions": size.context,
        "n_embd": size.width,
        "n_layer": size.layers,
        "n_head": size.heads,
        "n_inner": size.inner,
        "activation_function": "gelu",
        "layer_norm_epsilon": 1e-5,
        "attn_pdrop": 0.0,
        "embd_pdrop": 0.0,
        "resid_pdrop": 0.0,
        "tie_word_embeddings": True,
        "bos_token_id": bos,
        "eos_token_id": None,
        "pad_token_id": padding,
        "dtype": "float32",
    }


def generation_config(size: ModelSize, bos: int, padding: int) -> dict[str, Any]:
    """Its generation_config.json: as transformers would have it, texts of 256 new tokens run out of positions."""
    return {"bos_token_id": bos, "eos_token_id": None, "pad_token_id": padding, "max_length": size.context}


def _with_bias(name: str, weight: Tensor) -> dict[str, Tensor]:
    """A scale or a matrix under GPT-2's name, (in, out), with a bias of zeros."""
    turned = weight.T.contiguous() if weight.dim() == 2 else weight
    return {f"{name}.weight": turned, f"{name}.bias": torch.zeros(weight.shape[0])}
