"""The state of a training: all that a step changes, and its way to disk and back.

    model.*    weights                       progress   step, place in the order, losses, seconds, the journal's size
    adam.*     two moments and a count each
    best.*     weights of the best validation
    random.*   torch's generators

A checkpoint holds whole tensors, however many processes the training had; the first of them writes it, all read it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from speclm.train.adam import AdamW
from speclm.train.checkpoint import Checkpoints, Tensors
from speclm.train.ranks import Ranks, copy_whole


@dataclass
class Progress:
    """Everything about a training but its tensors; the readable half of a checkpoint."""

    step: int = 0
    order: int = 0
    seconds: float = 0.0
    first_loss: float = 0.0
    mean_loss: float = 0.0
    best_loss: float | None = None
    best_step: int = 0
    measurements_since_best: int = 0
    journal: int = 0


class State:
    """What a training has come to: `progress`, the model, Adam's moments, and `best`, the best weights so far."""

    def __init__(self, model: nn.Module, adam: AdamW, checkpoints: Checkpoints, ranks: Ranks) -> None:
        self.progress, self.best = Progress(), Tensors()
        self._model, self._adam, self._checkpoints, self._ranks = model, adam, checkpoints, ranks

    def keep_best(self) -> None:
        """Remember the present weights as the best."""
        self.best = {name: tensor.detach().clone() for name, tensor in self._model.state_dict().items()}

    def weights(self) -> Tensors:
        """The present weights, whole; with divided ones only on the first rank."""
        return self._ranks.gather(self._model.state_dict())

    def save(self) -> None:
        """Write the state as a checkpoint."""
        self._save(self._checkpoints, self.progress)

    def branch(self, folder: Path) -> None:
        """Write the state as the first checkpoint of a training in another folder, with a journal of its own: there
        training goes on from here.
        """
        self._save(Checkpoints(folder), replace(self.progress, journal=0))

    def _save(self, checkpoints: Checkpoints, progress: Progress) -> None:
        tensors = self._ranks.gather(self._tensors())
        if not self._ranks.first:
            return
        tensors["random.cpu"] = torch.get_rng_state()
        if torch.cuda.is_available():
            tensors["random.cuda"] = torch.cuda.get_rng_state()
        checkpoints.save(progress.step, tensors, asdict(progress))

    @torch.no_grad()
    def restore(self) -> bool:
        """Go back to the newest whole checkpoint; False where there is none."""
        found = self._checkpoints.load() if self._ranks.first else None
        step = self._ranks.tell(found[1]["step"] if found else None)
        if step is None:
            return False
        tensors, progress = found or self._checkpoints.read(step)
        self.progress = Progress(**progress)
        if any(name.startswith("best.") for name in tensors):
            self.keep_best()  # the shapes
        for name, target in self._tensors().items():
            copy_whole(target, tensors[name])
        torch.set_rng_state(tensors["random.cpu"])
        if "random.cuda" in tensors:
            torch.cuda.set_rng_state(tensors["random.cuda"])
        return True

    def _tensors(self) -> dict[str, Tensor]:
        groups = {"model": self._model.state_dict(), "best": self.best, "adam": self._adam.tensors()}
        return {f"{group}.{name}": tensor for group, tensors in groups.items() for name, tensor in tensors.items()}
