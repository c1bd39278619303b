"""The names of corpora and splits, which are those of their folders below splits/ and tokens/.

generic/train, generic/heldout, sympy/train, sympy/valid, sympy/test, placed

A domain of the user's own has a name space of its own, a folder that no domain of a study can be called like. So its
name may be any, and meets none of a study's: own/all, own/sympy, own/generic.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from speclm.stage.errors import UserError

GENERIC = "generic"
HELDOUT, TRAIN = f"{GENERIC}/heldout", f"{GENERIC}/train"
PLACED = "placed"  # the folder of what stands in the splits, beside the domains'
OWN = "own"  # the folder of the user's own domains
_PARTS = r"all|expert\d+"  # of pretraining, which stand where a domain's name does


def own_name(word: str) -> str:
    """The name of a user's own domain among corpora: "mails" -> "own/mails"."""
    return f"{OWN}/{word}"


def plain_name(name: str) -> str:
    """The name of a domain as it is told: "own/mails" -> "mails"."""
    return name.removeprefix(f"{OWN}/")


def check_domain_names(names: Sequence[str]) -> None:
    """Refuse a domain that is named twice, like something that stands beside the domains, or like no folder.

    Raises:
        UserError: naming the domain.
    """
    for name, count in Counter(names).items():
        if count > 1:
            raise UserError(f'the domain "{name}" is named twice', key="domains", remedy="name every domain once")
        if re.fullmatch(f"{GENERIC}|{PLACED}|{OWN}|{_PARTS}", name):
            raise UserError(f'a domain cannot be called "{name}"', key="domains", remedy="give it another name")
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
            raise UserError(
                f'"{name}" cannot be the name of a folder', key="domains", remedy="take letters, digits, _ and -"
            )


def split_of(name: str) -> str:
    """The split that a shard belongs to: generic/train/00003 -> generic/train; any other is its own."""
    return re.sub(r"/\d{5}$", "", name)


def held_apart(name: str, other: str) -> bool:
    """Whether two splits may share no window."""
    (corpus, split), (other_corpus, other_split) = map(_corpus_and_split, (name, other))
    return corpus == other_corpus or (split == "train") != (other_split == "train")


def kept_out(name: str, names: Iterable[str]) -> list[str]:
    """The splits among `names` whose windows an encoded split may not hold: those it is held apart from that are made
    before it. These are, of a study, the test, then the validation texts; of an own domain first all generic text."""

    def rank(split: str) -> int:
        known = name.startswith(own_name("")) and split.startswith(GENERIC)
        return -1 if known else {"train": 2, "valid": 1}.get(_corpus_and_split(split)[1], 0)

    return [other for other in names if rank(other) < rank(name) and held_apart(name, other)]


def _corpus_and_split(name: str) -> tuple[str, str]:
    """own/mails/train -> own/mails, train."""
    corpus, _, split = split_of(name).rpartition("/")
    return corpus, split
