"""The one error a user is meant to read: what is wrong, where, and what to do about it.

``UserError("-13 is not positive", where="config/config.yaml", key="budgets", remedy="give token counts above 0")``
prints as

    config/config.yaml: budgets: -13 is not positive
    Remedy: give token counts above 0
"""

from __future__ import annotations

from pathlib import Path


class UserError(Exception):
    """Something a user can get wrong. `assert` is for facts that only a bug could break."""

    def __init__(self, message: str, *, remedy: str, where: str | Path | None = None, key: str | None = None) -> None:
        place = "".join(f"{part}: " for part in (where, key) if part is not None)
        super().__init__(f"{place}{message}\nRemedy: {remedy}")
