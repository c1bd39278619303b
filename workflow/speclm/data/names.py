"""The names of corpora and splits, which are those of their folders below splits/ and tokens/.

generic/train, generic/heldout, sympy/train, sympy/valid, sympy/test, placed
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from speclm.stage.errors import UserError

GENERIC = "generic"
HELDOUT, TRAIN = f"{GENERIC}/heldout", f"{GENERIC}/train"
PLACED = "placed"  # the folder of what stands in the splits, beside the domains'


def check_domain_names(names: Sequence[str]) -> None:
    """Refuse a domain that is named twice, or like the generic corpus or what stands beside the domains' folders.

    Raises:
        UserError: naming the domain.
    """
    for name, count in Counter(names).items():
        if count > 1:
            raise UserError(f'the domain "{name}" is named twice', key="domains", remedy="name every domain once")
        if name in (GENERIC, PLACED):
            raise UserError(f'a domain cannot be called "{name}"', key="domains", remedy="give it another name")
