"""A peer: Hugging Face's Trainer on a GPT-2 of the same size.

The configuration equals our model but for GPT-2's biases and norm shifts: exact GELU, no dropout, learned positions,
tied embeddings. Fused AdamW, the same batch, clipping and warm-up; no evaluation, no saving, no reporting; the windows
lie in memory. Steps are told from the Trainer's own callback, so that its start-up does not count.
"""

from __future__ import annotations

from tempfile import TemporaryDirectory
from typing import Any

import torch

from speclm.bench.training import NEVER, BeforeStep, Training
from speclm.data.windows import open_windows
from speclm.model.size import ModelSize


def gpt2(size: ModelSize) -> Any:
    """A GPT-2 of this size, drawn at random."""
    from transformers import GPT2Config, GPT2LMHeadModel

    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=size.vocabulary,
            n_positions=size.context,
            n_embd=size.width,
            n_layer=size.layers,
            n_head=size.heads,
            n_inner=size.inner,
            activation_function="gelu",
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
            bos_token_id=None,
            eos_token_id=None,
        )
    )


def train_huggingface(training: Training, before_step: BeforeStep) -> None:
    """Train without end; `before_step` is called before every step."""
    from transformers import Trainer, TrainerCallback, TrainingArguments
    from transformers.utils import logging

    class Steps(TrainerCallback):
        def on_step_begin(self, *arguments: Any, **more: Any) -> None:
            before_step()

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    torch.set_num_threads(training.engine.threads)
    optimization, windows = training.settings.optimization, open_windows(training.store)
    rows_NT = torch.from_numpy(windows.tokens[: windows.count * windows.context].astype("int64")).view(
        windows.count, -1
    )
    dataset: Any = [{"input_ids": row_T, "labels": row_T} for row_T in rows_NT]
    with TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            max_steps=NEVER,
            per_device_train_batch_size=optimization.batch_windows,
            learning_rate=optimization.learning_rate,
            lr_scheduler_type="constant_with_warmup",
            warmup_steps=optimization.warmup_steps,
            optim="adamw_torch_fused",
            adam_beta1=optimization.beta1,
            adam_beta2=optimization.beta2,
            weight_decay=optimization.weight_decay,
            max_grad_norm=optimization.clip,
            save_strategy="no",
            eval_strategy="no",
            logging_strategy="no",
            report_to="none",
            disable_tqdm=True,
            dataloader_pin_memory=False,
            use_cpu=True,
            seed=training.seed,
        )
        Trainer(gpt2(training.size), arguments, train_dataset=dataset, callbacks=[Steps()]).train()
