"""What a figure finds, in words, from its own numbers: the title above it.

In: the evidence. Out: one sentence. A method is called lower than another only where the interval of their difference
says so; else the two are "not told apart". With one seed the sentence says so, too: another training may turn it.

    SLM 17.2, SLM-pn 17.8, LLM 12.4 at the largest budget, in this order at each:
    "After 1k tokens: LLM lowest at every budget, SLM lowest of the small models (one seed)"
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import exp

from speclm.study.bootstrap import Statistic
from speclm.study.cost import TASKS
from speclm.study.decision import Cell
from speclm.study.evidence import Evidence, Score
from speclm.study.margins import one_cluster

LARGE = ("llm",)
SMALL = "the small models"
UNTAUGHT = "the small models without a teacher"  # where SLM-d is measured, but not drawn
FEW = 4  # domains that are named


def signed(e: Evidence, difference: Statistic) -> int:
    """1 where a difference is surely above zero, -1 below, 0 where it cannot be told."""
    value, low, high = difference.interval(e.bootstrap.level)
    return (value > 0) - (value < 0) if low != low else (low > 0) - (high < 0)


def lowest(
    e: Evidence, names: Sequence[str], score: Score, when: str, peers: Sequence[str] = (), small_models: str = SMALL
) -> str:
    """Which method is lowest at the largest budget, and whether at every one; which of the small models is; which
    peers are lower still.

    Args:
        score: log perplexity of a method at a budget. names: of methods with a budget. when: on which text, after what.
        small_models: what those among `names` are called.
    """
    first = _first(e, names, score)
    where = "at every budget" if len(first) == 1 and _always(e, first[0], names, score) else "at the largest budget"
    words = f"{when}: {_labels(e, first)} lowest {where}{_tie(first)}"
    small = [name for name in names if name not in LARGE]
    if len(small) < len(names) and len(small) > 1 and first[0] in LARGE:
        of_small = _first(e, small, score)
        words += f", {_labels(e, of_small)} lowest of {small_models}{_tie(of_small)}"
    best = score(first[0], e.plan.budgets_of(first[0])[-1])
    lower = [peer for peer in peers if signed(e, best - score(peer, 0)) > 0]
    return sentence(e, words + (f"; {_labels(e, lower)} lower still" if lower else ""))


def of_domains(e: Evidence, names: Sequence[str], size: int, when: str, small_models: str = SMALL) -> str:
    """Which of the methods is lowest on which domain, at the largest budget. `when`: before or after what."""
    winners: dict[str, list[str]] = {}
    for domain in e.plan.domains:
        first = _first(e, names, lambda name, b, domain=domain: e.on(domain, name, size, b))  # type: ignore[misc]
        winners.setdefault(_labels(e, first, " or "), []).append(domain)
    if len(winners) == 1 and len(e.plan.domains) > 1:
        return sentence(e, f"{when}: {next(iter(winners))} lowest of {small_models} on every domain")
    few = len(e.plan.domains) <= FEW
    told = [
        f"{who} on {_listed(domains) if few else f'{len(domains)} of {len(e.plan.domains)} domains'}"
        for who, domains in sorted(winners.items(), key=lambda pair: -len(pair[1]))
    ]
    return sentence(e, f"{when}, lowest of {small_models}: {', '.join(told)}")


def beside(e: Evidence, base: str, differences: Mapping[str, Sequence[Statistic]]) -> str:
    """Which methods are better than another at equal cost, and which are worse.

    Args:
        differences: by method, in nats, above 0 where it is below `base`: one for each size of domain text.
    """
    sides = {1: "better at every size", -1: "worse at every size", 0: "not told apart"}
    groups: dict[str, list[str]] = {words: [] for words in (*sides.values(), "mixed over the sizes")}
    for name, values in differences.items():
        first, *more = {signed(e, value) for value in values}
        groups["mixed over the sizes" if more else sides[first]].append(name)
    told = [f"{_labels(e, names)} {words}" for words, names in groups.items() if names]
    return sentence(e, f"Against {e.plan.method(base).label} at equal cost: {'; '.join(told)}") if told else ""


def of_distillation(e: Evidence, name: str, label: str, size: int) -> str:
    """Whether SLM-d is below SLM at its student's cost, and at its own, which counts the teacher."""
    budgets = e.plan.budgets_of(name)
    own = [e.macro("slm", size, b) - e.macro(name, size, b) for b in budgets]
    whole = [
        e.macro_at_cost("slm", size, sum(cost)) - e.macro(name, size, b)
        for b in budgets
        if (cost := e.costs(name, size, b)) is not None
    ]
    at_student = {1: "below SLM", -1: "above SLM", 0: "not told apart from SLM"}[_all(e, own)]
    at_all = {1: "and with its teacher paid for, too", -1: "above it once its teacher is paid for", 0: ""}[
        _any(e, whole)
    ]
    return sentence(e, f"{label} is {at_student} at its student's cost" + (f", {at_all}" if at_all else ""))


def of_tasks(e: Evidence, size: int) -> str:
    """Which of SLM-is and SLM-pn is lower where N domains bear the cost of SLM-pn at the largest budget."""
    last = e.plan.budgets[-1]
    cost = e.costs("slm_pn", size, last)
    if cost is None:
        return ""
    sides: dict[int, list[str]] = {}
    for tasks in TASKS:
        lead = e.macro("slm_pn", size, last) - e.macro_at_cost("slm_is", size, cost[0] / tasks + cost[1])
        sides.setdefault(signed(e, lead), []).append(str(tasks))
    words = {1: "SLM-is is below SLM-pn", -1: "SLM-pn is below SLM-is", 0: "SLM-is and SLM-pn are not told apart"}
    told = [f"{words[side]} with {_listed(tasks)} domain{'s' * (tasks != ['1'])}" for side, tasks in sides.items()]
    return sentence(e, f"At equal cost {', '.join(told)}")


def of_one_expert(e: Evidence) -> str:
    """Whether SLM-is is below one expert of SLM-mix at equal cost."""
    side = _all(e, [margin for part in one_cluster(e) for margin in part.margins])
    words = {1: "SLM-is is below", -1: "SLM-is is above", 0: "SLM-is is not told apart from"}[side]
    return sentence(e, f"{words} one expert of SLM-mix at equal cost")


def of_fine_tuning(e: Evidence, names: Sequence[str], size: int) -> str:
    """What fine-tuning to the best validation costs the others against SLM, at the largest budget."""
    own = e.log_finetuning_cost("slm", size, e.plan.budgets_of("slm")[-1])
    others = [name for name in names if name != "slm"]
    ratios = {name: e.log_finetuning_cost(name, size, e.plan.budgets_of(name)[-1]) - own for name in others}
    apart = sorted((name for name in others if signed(e, ratios[name])), key=lambda name: -ratios[name].estimate)
    alike = [name for name in others if name not in apart]
    told = [
        f"{e.plan.method(name).label} takes {exp(ratios[name].estimate):.2g} times what SLM takes" for name in apart
    ]
    told += [f"{_labels(e, alike)} not told apart from SLM"] if alike else []
    return sentence(e, f"Fine-tuning to the best validation: {'; '.join(told)}") if told else ""


def of_cells(e: Evidence, cells: Iterable[Cell]) -> str:
    """In how many of the cells each method is best."""
    words = {"small": "best of the small models: {}", "large": "of all: {}"}
    told = []
    for inference, text in words.items():
        chosen = [cell for cell in cells if cell.inference == inference and cell.best]
        wins = Counter(e.plan.method(str(cell.best)).label for cell in chosen)
        if wins:
            first, *others = wins.most_common()
            share = f"all {len(chosen)}" if first[1] == len(chosen) else f"{first[1]} of {len(chosen)}"
            told.append(text.format(_listed([f"{first[0]} in {share} cells", *(f"{who} in {n}" for who, n in others)])))
    return sentence(e, "; ".join(told)) if told else ""


def of_variants(e: Evidence, labels: Mapping[str, str], base: str, size: int) -> str:
    """Which variant is lowest at the largest budget, and how far the study's own, or the next, is above it."""
    scores = {name: e.macro(name, size, e.plan.budgets_of(name)[-1]) for name in labels}
    first = _first(e, list(labels), lambda name, b: e.macro(name, size, b))
    named = "" if labels[base] == e.plan.method(base).label else f"{e.plan.method(base).label}: "
    words = f"{named}{_listed(labels[name] for name in first)} lowest at the largest budget{_tie(first)}"
    others = sorted(set(scores) - {first[0]}, key=lambda name: scores[name].estimate)
    if len(first) > 1 or not others:
        return sentence(e, words)
    other = base if base in others else others[0]
    above = exp((scores[other] - scores[first[0]]).estimate) - 1
    return sentence(e, f"{words}, {labels[other]} {above:.1%} above it")


def sentence(e: Evidence, words: str) -> str:
    """With how many trainings each number is the mean of."""
    return f"{words[:1].upper()}{words[1:]} ({'one seed' if e.seeds == 1 else f'{e.seeds} seeds'})"


def _first(e: Evidence, names: Sequence[str], score: Score) -> list[str]:
    """The lowest at their largest budgets, and those that cannot be told from it."""
    scores = {name: score(name, e.plan.budgets_of(name)[-1]) for name in names}
    ranked = sorted(scores, key=lambda name: scores[name].estimate)
    return [ranked[0], *(name for name in ranked[1:] if signed(e, scores[name] - scores[ranked[0]]) <= 0)]


def _always(e: Evidence, first: str, names: Sequence[str], score: Score) -> bool:
    """Whether it is surely lowest at every budget, among those that have it."""
    return all(
        signed(e, score(name, budget) - score(first, budget)) > 0
        for budget in e.plan.budgets_of(first)
        for name in names
        if name != first and budget in e.plan.budgets_of(name)
    )


def _all(e: Evidence, values: Sequence[Statistic]) -> int:
    signs = {signed(e, value) for value in values}
    return signs.pop() if len(signs) == 1 else 0


def _any(e: Evidence, values: Sequence[Statistic]) -> int:
    """The side of those that can be told, where they agree."""
    signs = {signed(e, value) for value in values} - {0}
    return signs.pop() if len(signs) == 1 else 0


def _labels(e: Evidence, names: Sequence[str], word: str = " and ") -> str:
    return _listed((e.plan.method(name).label for name in names), word)


def _listed(words: Iterable[str], word: str = " and ") -> str:
    *head, last = words
    return f"{', '.join(head)}{word}{last}" if head else last


def _tie(names: Sequence[str]) -> str:
    return ", not told apart" if len(names) > 1 else ""
