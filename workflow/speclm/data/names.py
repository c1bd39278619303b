"""The names of corpora and splits, which are those of their folders below splits/ and tokens/.

generic/train, generic/heldout, sympy/train, sympy/valid, sympy/test, placed

A domain of the user's own has a name space of its own, a folder that no domain of a study can be called like. So its
name may be any, and meets none of a study's: own/all, own/sympy, own/generic.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

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
