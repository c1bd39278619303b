"""What the jobs of a run are expected to take, as soon as that is known, for progress to be told (stage/progress.py).

In go the configuration, the tables, and a domain of the user's own where there is one; out come the expected seconds of
jobs. Until the machine is measured it counts as fast as the published run's; where no size is known, jobs are alike.

An own domain is a study of its own: one domain, one budget, one size, which is all of its text. Which methods it is
specialised by is known only when the advice is there; till then, three that are often chosen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from speclm.stage.errors import UserError
from speclm.stage.files import read_json, read_table
from speclm.stage.graph import Node
from speclm.stage.progress import Expected
from speclm.study.duration import expected_seconds, kind_of
from speclm.study.extent import Corpus, Study
from speclm.study.plan import GENERIC
from speclm.study.preset import make_study, speed_of
from speclm.study.probing import Probe
from speclm.study.work import work_of

ADVICE = "advise_domain"
LATER = ("slm", "slm_is", "slm_pn")  # methods that advice often chooses
TYPICAL = 1500  # bytes of a document, where none has been read


@dataclass(frozen=True)
class OwnExtent:
    """A domain of the user's own. text: bytes of its files. pretraining, specialization: the budgets it may have."""

    name: str
    dataset: str
    text: int
    pretraining: int
    specialization: int


class Outlook:
    """Of one run; `probe`: that of the machine, None where jobs run elsewhere."""

    def __init__(
        self,
        config: Mapping[str, Any],
        tables: Mapping[str, pd.DataFrame],
        repository: Path,
        own: OwnExtent | None,
        probe: Probe | None,
    ) -> None:
        self._repository, self._own, self._probe = repository, own, probe
        self._durations = read_table(repository / "config/reference/durations.tsv")
        self._config, self._tables = config, tables
        self._studies: dict[str, Study] = {}

    def __call__(self, jobs: Sequence[Node]) -> list[Expected]:
        """Of these jobs; then of those that an own domain's advice, where it is among them, will ask for."""
        later = self._after_advice(jobs)
        nodes = [*jobs, *later]
        try:
            study = self._study("")
        except UserError:  # a data set of unknown size
            return [Expected(kind_of(node), 1.0) for node in nodes]
        speed = speed_of(study, self._repository / "results", self._probe.facts() if self._probe else None)
        found: dict[int, Expected] = {}
        for name, numbers in self._by_study(nodes).items():
            chosen, some = self._study(name), [nodes[number] for number in numbers]
            times = expected_seconds(chosen, some, speed, self._durations)
            for number, node, seconds in zip(numbers, some, times, strict=True):
                work = work_of(chosen, node.rule, node.wildcards) if node.rule == "pretrain_model" else None
                found[number] = Expected(kind_of(node), sum(seconds), work.tokens if work else 0)
        return [found[number] for number in range(len(nodes))]

    def _by_study(self, nodes: Sequence[Node]) -> dict[str, list[int]]:
        names = {self._own.name, self._own.dataset} if self._own else set()
        found: dict[str, list[int]] = {}
        for number, node in enumerate(nodes):
            found.setdefault("own" if names & set(node.wildcards.values()) else "", []).append(number)
        return found

    def _after_advice(self, jobs: Sequence[Node]) -> list[Node]:
        known = {node.rule for node in jobs}
        if not self._own or ADVICE not in known or "export_model" in known:
            return []
        study = self._study("")
        tuned = {"domain": self._own.name, "seed": str(study.config["seeds"][0])}
        methods = [method for method in LATER if method in study.recipes]
        later = [
            Node(rule, {"method": m, **tuned}, ()) for m in methods for rule in ("specialize_model", "evaluate_domain")
        ]
        if "slm_is" in methods:
            later.append(
                Node("pretrain_model", {"method": "slm_is", "part": self._own.name, "seed": tuned["seed"]}, ())
            )
        return [*later, Node("measure_serving", {}, ()), Node("export_model", {}, ())]

    def _study(self, name: str) -> Study:
        if name not in self._studies:
            if self._own and name:
                self._studies[name] = own_study(self._study(""), self._own, self._repository)
            else:
                self._studies[name] = make_study(self._config, self._tables, self._repository)
        return self._studies[name]


def own_study(study: Study, own: OwnExtent, repository: Path) -> Study:
    """The study of an own domain alone."""
    config = study.config
    corpus = Corpus(max(1, own.text // TYPICAL), max(1, own.text))
    manifest = repository / "results" / config["run"] / "documents" / own.dataset / "00000.json"
    if manifest.is_file():
        facts = read_json(manifest)
        corpus = Corpus(max(1, facts["documents"]), max(1, facts["characters"]))
    section = config["specialize"]
    datasets, corpora = (
        {GENERIC: study.datasets[GENERIC], own.name: own.dataset},
        {**study.corpora, own.dataset: corpus},
    )
    alone = Study({**config, "domains": [own.name]}, study.methods, corpora, datasets, study.looks)
    size = max(config["context"], alone.tokens(own.name, "train"))
    changed = {
        "domains": [own.name],
        "seeds": config["seeds"][:1],
        "ablations": [],
        "pretrain": {
            **config["pretrain"],
            "budgets": [own.pretraining],
            "domain_budgets": [own.specialization],
        },
        "specialize": {
            **section,
            "sizes": [size],
            "best_finetuned_sizes": [],
            "max_steps": {family: steps[-1:] for family, steps in section["max_steps"].items()},
            "evaluate_every": section["evaluate_every"][-1:],
        },
    }
    return replace(alone, config={**config, **changed})
