"""Strict settings: a mapping from the configuration becomes a frozen dataclass, or a clear refusal.

    @dataclass(frozen=True)
    class KMeans:
        k: int
        seed: int

    from_mapping(KMeans, {"k": 8, "sead": 3}, "config/config.yaml: clusters")
    -> UserError: config/config.yaml: clusters: unknown key "sead": did you mean "seed"?

A class checks what its types cannot say in ``__post_init__`` by raising `UserError`.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from difflib import get_close_matches
from typing import Any, TypeVar

from speclm.stage.errors import UserError

Settings = TypeVar("Settings")


def from_mapping(cls: type[Settings], mapping: Mapping[str, Any], where: str) -> Settings:
    """Build the frozen dataclass `cls` from `mapping`, nested dataclasses included.

    Args:
        where: the file (and key) that the mapping stands in, for the error.

    Raises:
        UserError: an unknown key (with the nearest known one), a missing key, or a value of the wrong type.
    """
    assert is_dataclass(cls)
    hints = typing.get_type_hints(cls)
    known = {field.name: field for field in fields(cls)}
    for key in mapping:
        if key not in known:
            raise UserError(f'unknown key "{key}"{nearest(key, known)}', where=where, remedy=_expected(known))
    values = {}
    for name, field in known.items():
        if name in mapping:
            values[name] = _convert(mapping[name], hints[name], f"{where}: {name}")
        elif field.default is MISSING and field.default_factory is MISSING:
            raise UserError(f'key "{name}" is missing', where=where, remedy=_expected(known))
    return typing.cast(Settings, cls(**values))


def nearest(word: str, known: Iterable[str]) -> str:
    """': did you mean "seed"?' for "sead", or nothing when no known word is near."""
    matches = get_close_matches(word, list(known), n=1)
    return f': did you mean "{matches[0]}"?' if matches else ""


def _expected(known: Iterable[str]) -> str:
    return f"the keys here are {', '.join(known)}"


def _convert(value: Any, hint: Any, where: str) -> Any:
    """`value` as the type `hint`; integers pass for floats, lists for tuples, nothing else is bent."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if is_dataclass(hint) and isinstance(value, Mapping):
        return from_mapping(typing.cast(type, hint), value, where)
    if origin in (typing.Union, types.UnionType):
        options = [option for option in arguments if option is not type(None)]
        return None if value is None and len(options) < len(arguments) else _convert(value, options[0], where)
    if origin is typing.Literal:
        if value in arguments:
            return value
        raise UserError(f'"{value}"{nearest(str(value), arguments)}', where=where, remedy=f"one of {arguments}")
    if origin in (list, tuple) and isinstance(value, list | tuple):
        converted = [_convert(item, arguments[0], where) for item in value]
        return tuple(converted) if origin is tuple else converted
    if origin is dict and isinstance(value, Mapping):
        return {_convert(k, arguments[0], where): _convert(v, arguments[1], where) for k, v in value.items()}
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(hint, type) and isinstance(value, hint) and (hint is bool or not isinstance(value, bool)):
        return value
    name = getattr(hint, "__name__", str(hint)) if origin is None else str(hint)
    raise UserError(f"{value!r} is not of type {name}", where=where, remedy=f"give a value of type {name}")
