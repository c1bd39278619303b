"""Sizes of models: what they hold and what they compute, without building them (no torch here).

A size goes in; numbers of parameters and floating point operations come out, for our own architecture: pre-norm
decoder, tied embeddings, learned positions, two-matrix MLP, norms with a scale only, no biases.

Example: ModelSize(vocabulary=2048, context=128, layers=4, width=64, heads=4, inner=256)
    parameters  2048*64 + 128*64 + 4*(4*64*64 + 2*64*256 + 2*64) + 64 = 336,448
    forward     2*(4*(4*64*64 + 2*64*256) + 2048*64) + 2*128*64*4     = 720,896 FLOPs per token

The paper publishes rounded totals (Tables 1 and 7) for sizes (Table 6) without positions, biases and norms. What is
left over, published - ours, in millions, at k experts (h = m = k, 5 of 7 layers projected):
    SLM     126 - 121.9 = 4.1              LLM   771 - 759.1 = 11.9
    SLM-pn  756 - 751.1 = 4.9 (k = 16)     1,422 - 1,422.2 = -0.2 (32)      2,770 - 2,764.3 = 5.7 (64)
    SLM-mix 2,016 - 1,950.6 = 65.4 = 16 times the SLM's
Cause: beside the matrices the paper has 5.1 to 5.4 thousand rows of width d, we have 1,024 positions and 15 norm
scales. SLM-pn inherits it, but for k = 32, where the paper itself lies 5 million below the line through its 756 and
2,770.
"""

from __future__ import annotations

from dataclasses import dataclass

from speclm.stage.errors import UserError

STARTS = ("shared", "random")


@dataclass(frozen=True)
class ModelSize:
    """Size of a transformer.

    vocabulary, context  in tokens
    layers, heads
    width, inner         of the residual stream, and between the two matrices of an MLP
    """

    vocabulary: int
    context: int
    layers: int
    width: int
    heads: int
    inner: int

    def __post_init__(self) -> None:
        for key in ("vocabulary", "context", "layers", "width", "heads", "inner"):
            _require_positive(key, getattr(self, key))
        if self.width % self.heads:
            raise UserError(
                f"a width of {self.width} cannot be divided into {self.heads} heads",
                key="heads",
                remedy="choose heads that divide the width",
            )


@dataclass(frozen=True)
class ProjectionSize:
    """Size of what a projected network adds to a transformer (paper, section "Projected network").

    experts           k: one small model per cluster
    components        h: how many tensors T_r an MLP matrix is a combination of
    rank              m: length of an expert's embedding E_i
    projected_layers  how many layers have projected MLPs, counted from the last; those before share theirs among all
                      experts. The paper's totals fit 5 of 7 with h = k; which five is not published (assumed)
    start             "shared": all experts begin as the same network; "random": every tensor is drawn (assumed)
    """

    experts: int
    components: int
    rank: int
    projected_layers: int
    start: str

    def __post_init__(self) -> None:
        for key in ("experts", "components", "rank", "projected_layers"):
            _require_positive(key, getattr(self, key))
        if self.start not in STARTS:
            raise UserError(f"unknown start {self.start!r}", key="start", remedy=f"choose one of {', '.join(STARTS)}")
        if self.start == "shared" and min(self.components, self.rank) < 2:
            raise UserError(
                "a shared start needs one shared component and at least one residual one",
                key="components" if self.components < 2 else "rank",
                remedy="raise it to 2 or more, or choose the start 'random'",
            )


@dataclass(frozen=True)
class LowRank:
    """Size of low-rank adapters, for queries and values of every layer; `alpha` / `rank` scales what they add."""

    rank: int
    alpha: float

    def __post_init__(self) -> None:
        _require_positive("rank", self.rank)
        if self.alpha <= 0:
            raise UserError(f"alpha is {self.alpha}", key="alpha", remedy="give a number above 0")


def parameter_count(size: ModelSize) -> int:
    """Parameters of a transformer of this size, as trained and as served."""
    rows_of_width = size.vocabulary + size.context + 2 * size.layers + 1  # tied embedding, positions, norm scales
    return rows_of_width * size.width + size.layers * (4 * size.width**2 + _mlp_parameters(size))


def projected_parameter_count(size: ModelSize, projection: ProjectionSize) -> int:
    """Parameters of a projected network in pretraining; an instantiated expert has `parameter_count(size)`.

    Raises UserError when more layers are projected than the transformer has.
    """
    require_layers(size, projection)
    extra_components = projection.projected_layers * (projection.components - 1) * _mlp_parameters(size)
    mixing = projection.projected_layers * projection.rank * projection.components  # M of every projected layer
    return parameter_count(size) + extra_components + mixing + projection.experts * projection.rank


def mixture_parameter_count(size: ModelSize, experts: int) -> int:
    """Parameters of a hard mixture in pretraining: its experts are independent."""
    return experts * parameter_count(size)


def adapter_parameter_count(size: ModelSize, low_rank: LowRank) -> int:
    """Trainable parameters of low-rank adaptation: A and B for the queries and the values of every layer.

    Raises UserError when the rank is more than the width.
    """
    require_rank(size, low_rank)
    return size.layers * 2 * 2 * size.width * low_rank.rank


def forward_flops_per_token(size: ModelSize) -> int:
    """2 per matrix weight, the output matrix too; causal attention's scores and values: 2 * T/2 * D each per layer."""
    matrices = size.layers * (4 * size.width**2 + _mlp_parameters(size)) + size.vocabulary * size.width
    attention = size.layers * 2 * size.context * size.width
    return 2 * matrices + attention


def training_flops_per_token(size: ModelSize, low_rank: LowRank | None = None) -> int:
    """Three times the forward pass: the gradient of every matrix product is two more, to its input and to its weights.

    A projected network's projections are left out, which cost the same for any number of tokens in a step:
    `projection_flops`.

    Args:
        low_rank: of adapters that alone are trained: little more than two passes, as frozen weights need no gradient of
            their own and nothing learns below the first layer's queries, keys and values.

    Raises UserError when the rank is more than the width.
    """
    if low_rank is None:
        return 3 * forward_flops_per_token(size)
    adapters = 2 * adapter_parameter_count(size, low_rank)  # forward; backward as often to their input and to A and B
    attention = size.layers * 2 * size.context * size.width  # has no weights: its gradient takes two passes, as ever
    ends = 2 * (3 * size.width**2 + 2 * low_rank.rank * size.width)  # the first layer's matrix and its two A
    return 2 * forward_flops_per_token(size) + attention + 3 * adapters - ends


def projection_flops(size: ModelSize, projection: ProjectionSize) -> int:
    """FLOPs of evaluating one expert's matrices once in training: forward, and back to T and to its coefficients E M.

    Raises UserError when more layers are projected than the transformer has.
    """
    require_layers(size, projection)
    products = projection.components * (_mlp_parameters(size) + projection.rank)
    return 3 * 2 * projection.projected_layers * products


def require_rank(size: ModelSize, low_rank: LowRank) -> None:
    """Raise UserError when adapters are of a higher rank than the matrices that they adapt."""
    if low_rank.rank > size.width:
        raise UserError(
            f"adapters of rank {low_rank.rank} asked of matrices of width {size.width}",
            key="rank",
            remedy=f"choose at most {size.width}, or a small part of it",
        )


def require_layers(size: ModelSize, projection: ProjectionSize) -> None:
    """Raise UserError when the projection names more layers than there are."""
    if projection.projected_layers > size.layers:
        raise UserError(
            f"{projection.projected_layers} projected layers asked of a model of {size.layers}",
            key="projected_layers",
            remedy=f"choose at most {size.layers}",
        )


def _mlp_parameters(size: ModelSize) -> int:
    return 2 * size.width * size.inner


def _require_positive(key: str, value: int) -> None:
    if value < 1:
        raise UserError(f"{key} is {value}", key=key, remedy="give a whole number of at least 1")


# Table 6.
PAPER_SLM = ModelSize(vocabulary=32_000, context=1024, layers=7, width=1024, heads=8, inner=4096)
PAPER_LLM = ModelSize(vocabulary=32_000, context=1024, layers=7, width=2816, heads=22, inner=11264)
