"""Peers compute our model: the same loss on the same weights, and as many parameters."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from speclm.bench.huggingface import gpt2
from speclm.bench.nanogpt import GPT
from speclm.model.size import ModelSize, parameter_count
from speclm.model.transformer import Transformer
from unit.uneven import uneven_transformer

SIZE = ModelSize(vocabulary=50, context=16, layers=2, width=24, heads=3, inner=96)


@pytest.fixture
def ours() -> Transformer:
    return uneven_transformer(SIZE).double()


@pytest.fixture
def windows() -> Tensor:
    return torch.randint(SIZE.vocabulary, (4, SIZE.context + 1), generator=torch.Generator().manual_seed(1))


def test_the_nanogpt_style_model_is_ours(ours: Transformer, windows: Tensor) -> None:
    peer = GPT(SIZE).double()
    state = ours.state_dict()
    names = {"tokens": "embedding", "head": "embedding", "positions": "positions", "norm": "final_norm"}
    for layer in range(SIZE.layers):
        block, mlp = f"blocks.{layer}", f"mlps.{layer}"
        names |= {f"{block}.attention_norm": f"{block}.attention_norm", f"{block}.mlp_norm": f"{block}.mlp_norm"}
        names |= {f"{block}.attention.query_key_value": f"{block}.query_key_value"}
        names |= {f"{block}.attention.output": f"{block}.attention_output"}
        names |= {f"{block}.mlp.0": f"{mlp}.up", f"{block}.mlp.2": f"{mlp}.down"}
    peer.load_state_dict({f"{theirs}.weight": state[name] for theirs, name in names.items()})
    assert sum(parameter.numel() for parameter in peer.parameters()) == parameter_count(SIZE)
    loss = peer.loss(windows[:, :-1], windows[:, 1:])
    torch.testing.assert_close(loss, ours.loss(windows), rtol=1e-12, atol=0)


def test_the_gpt2_is_ours_but_for_its_biases(ours: Transformer, windows: Tensor) -> None:
    peer = gpt2(SIZE).double()
    state = ours.state_dict()
    theirs = {name: torch.zeros_like(value) for name, value in peer.state_dict().items()}
    theirs["transformer.wte.weight"] = theirs["lm_head.weight"] = state["embedding"]
    theirs["transformer.wpe.weight"] = state["positions"]
    theirs["transformer.ln_f.weight"] = state["final_norm"]
    for layer in range(SIZE.layers):
        block = f"transformer.h.{layer}"
        theirs[f"{block}.ln_1.weight"] = state[f"blocks.{layer}.attention_norm"]
        theirs[f"{block}.ln_2.weight"] = state[f"blocks.{layer}.mlp_norm"]
        theirs[f"{block}.attn.c_attn.weight"] = state[f"blocks.{layer}.query_key_value"].T
        theirs[f"{block}.attn.c_proj.weight"] = state[f"blocks.{layer}.attention_output"].T
        theirs[f"{block}.mlp.c_fc.weight"] = state[f"mlps.{layer}.up"].T
        theirs[f"{block}.mlp.c_proj.weight"] = state[f"mlps.{layer}.down"].T
    peer.load_state_dict(theirs)
    biases = SIZE.layers * (3 + 1 + 1) * SIZE.width + SIZE.layers * SIZE.inner
    shifts = (2 * SIZE.layers + 1) * SIZE.width
    assert sum(parameter.numel() for parameter in peer.parameters()) == parameter_count(SIZE) + biases + shifts
    logits_BTV = peer(input_ids=windows[:, :-1]).logits
    loss = F.cross_entropy(logits_BTV.flatten(0, 1), windows[:, 1:].flatten())
    torch.testing.assert_close(loss, ours.loss(windows), rtol=1e-12, atol=0)
