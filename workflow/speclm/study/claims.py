"""What holds here of each of the paper's claims (`speclm.study.paper_claims`), and how surely.

In: the evidence of a run. Out: claims.tsv, one row per claim, and claim_parts.tsv, one row per part of a claim, each
with its margin, interval and verdict by the rules of `speclm.study.verdicts`: at equal cost, which is equal device time
by the study's stated `relative_cost`, and second at equal pretraining tokens where the methods' curves allow that. A
claim's numbers are those of the part that decides it, which its note names:

    parts 0.30 [0.20, 0.40] and 0.05 [-0.01, 0.11]:   holds in 1 of 2 parts, by 0.05 [-0.01, 0.11]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from speclm.stage.errors import UserError
from speclm.stage.settings import nearest
from speclm.study.device_time import in_device_time
from speclm.study.evidence import Evidence
from speclm.study.paper_claims import CLAIMS, Claim
from speclm.study.parts import Part
from speclm.study.verdicts import HOLDS, ONE_SEED, Judged, blamed, corrected_level, judge_claim, judge_parts

NUMBERS = ["measured", "low", "high", "verdict"]
TOKENS = [f"{name}_tokens" for name in NUMBERS]
COLUMNS = ["claim", "topic", "paper", "statistic", *NUMBERS, *TOKENS, "parts", "parts_held", "seeds", "note"]
PART_COLUMNS = ["claim", "topic", "part", "about", *NUMBERS, *TOKENS, "level", "note"]

BOUNDS = {
    (True, False): "the true margin is at least this",
    (False, True): "the true margin is at most this",
    (True, True): "a bound on either side is missing",
}


@dataclass(frozen=True)
class Judgement:
    """claims.tsv, with the columns `COLUMNS`, and claim_parts.tsv, with `PART_COLUMNS`."""

    claims: pd.DataFrame
    parts: pd.DataFrame


def judge(evidence: Evidence) -> Judgement:
    """All claims. Numbers are empty where nothing could be measured; note names what decides, or what is missing."""
    e = in_device_time(evidence)
    judged = [_judge(claim, e) for claim in CLAIMS]
    parts = [row for _, rows in judged for row in rows]
    return Judgement(
        pd.DataFrame([row for row, _ in judged], columns=COLUMNS), pd.DataFrame(parts, columns=PART_COLUMNS)
    )


def judge_one(number: int, evidence: Evidence) -> tuple[dict[str, object], list[dict[str, object]]]:
    """The row of one claim, and those of its parts.

    Raises:
        UserError: there is no claim of this number.
    """
    known = {claim.number: claim for claim in CLAIMS}
    if number not in known:
        raise UserError(
            f"there is no claim {number}{nearest(f'claim_{number}', [f'claim_{n}' for n in known])}",
            key="claim",
            remedy=f"ask for one of 1 to {max(known)}",
        )
    row, parts = _judge(known[number], in_device_time(evidence))
    return dict(zip(COLUMNS, row, strict=True)), [dict(zip(PART_COLUMNS, part, strict=True)) for part in parts]


def _judge(claim: Claim, e: Evidence) -> tuple[list[object], list[list[object]]]:
    parts = claim.parts(e)
    level = corrected_level(e.bootstrap.level, len(parts)) if claim.any_of else e.bootstrap.level
    at_cost, again = (
        judge_parts(some, e.bootstrap.level, e.seeds, claim.any_of)
        for some in (parts, claim.parts(replace(e, equal_tokens=True)))
    )
    at_tokens = [it for it in again if _has_tokens(it)]
    verdict, deciding = judge_claim(at_cost, claim.any_of)
    counted = [it for it in at_cost if not it.part.condition]
    held = sum(it.verdict == HOLDS for it in counted)
    numbers = _numbers(deciding)[:3]
    row = [f"{claim.number}. {claim.text}", claim.topic, claim.paper, claim.statistic, *numbers, verdict]
    row += _tokens(at_tokens, claim.any_of)
    row += [len(counted), held, e.seeds, _note(at_cost, deciding, claim.any_of)]
    rows = [
        [claim.number, claim.topic, it.part.text, ", ".join(it.part.about), *_numbers(it)]
        + (_numbers(other) if _has_tokens(other) else [np.nan, np.nan, np.nan, ""])
        + [level, _note_of_part(it.part)]
        for it, other in zip(at_cost, again, strict=True)
    ]
    return row, rows


def _numbers(judged: Judged | None) -> list[object]:
    return [*judged.numbers, judged.verdict] if judged else [np.nan, np.nan, np.nan, ""]


def _has_tokens(judged: Judged) -> bool:
    """Whether a part says something at equal tokens."""
    return not (judged.part.cost_alone or judged.part.missing)


def _tokens(judged: Sequence[Judged], any_of: bool) -> list[object]:
    """The claim at equal tokens, over the parts that can be told so; empty where there are none."""
    if all(it.part.condition for it in judged):
        return [np.nan, np.nan, np.nan, ""]
    verdict, deciding = judge_claim(judged, any_of)
    return [*_numbers(deciding)[:3], verdict]


def _note(judged: Sequence[Judged], deciding: Judged | None, any_of: bool) -> str:
    """What decides, what all that fails has in common, and what is missing."""
    missing = sorted({name for it in judged for name in it.part.missing})
    notes = []
    if deciding:
        text = f"{deciding.part.condition}: " if deciding.part.condition else ""
        bound = _bound(deciding.part)
        role = f"{'strongest' if any_of else 'weakest'} part" if deciding.verdict == ONE_SEED else "decided by"
        notes.append(f"{role}: {text}{deciding.part.text}{f' ({bound})' if bound else ''}")
        culprit = blamed(judged) if deciding.verdict != ONE_SEED else ""
        notes += [f"every part that does not hold is about {culprit}"] if culprit else []
    notes += [f"not measured: {_list(missing)}"] if missing else []
    return "; ".join(notes)


def _note_of_part(part: Part) -> str:
    if part.missing:
        return f"not measured: {_list(part.missing)}"
    notes = [_bound(part), f"a condition: otherwise {part.condition}" if part.condition else ""]
    return "; ".join(note for note in notes if note)


def _bound(part: Part) -> str:
    """In words, where the margin is only a bound on the true one: of several margins, where all are."""
    sides = tuple(all(getattr(margin, side) for margin in part.margins) for side in ("at_least", "at_most"))
    return BOUNDS.get((sides[0], sides[1]), "")


def _list(names: Sequence[str]) -> str:
    return "; ".join(names[:3]) + (f"; and {len(names) - 3} more" if len(names) > 3 else "")
