"""A domain of the user's own, as asked for on the command line or in a configuration file.

In go a few words beside the study's settings; out comes the domain: its name and its data set, as if both stood in
config/domains.tsv and config/datasets.tsv.

    domain=handbook/ licence=CC-BY-4.0 origin="our handbook"
    ->  handbook: kind files, source handbook/, field text, licence CC-BY-4.0, origin our handbook

`domain` may also be a row of config/domains.tsv that the study does not have; then that row says all the rest.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speclm.data.names import GENERIC, PLACED
from speclm.data.shards import NONE, DataSet, Files, list_shards, read_datasets
from speclm.stage.errors import UserError
from speclm.stage.files import read_json

if TYPE_CHECKING:
    import pandas as pd

WORDS = ("domain", "name", "field", "licence", "origin")
LIMITS = ("latency", "parameters", "specialization", "pretraining")
HOW = 'make specialize DOMAIN=path/to/documents LICENCE=CC-BY-4.0 ORIGIN="what it is"'


@dataclass(frozen=True)
class OwnDomain:
    """A domain that joins a study.

    Attributes:
        name: of its folders in results/{run}.
        dataset: its row of config/datasets.tsv, or one made of the user's words; likewise by its name.
        shards: what is read together.
        limits: what was said of the budgets, by `LIMITS`.
    """

    name: str
    dataset: DataSet
    shards: list[Files]
    limits: Mapping[str, Any]


def take_own_domain(
    config: MutableMapping[str, Any], tables: Mapping[str, pd.DataFrame], studied: Sequence[str]
) -> OwnDomain | None:
    """Take the words about an own domain out of the configuration; None where there is no `domain`.

    Args:
        config: the study's settings and, beside them, `WORDS` and `LIMITS`.
        tables: "domains" and "datasets". studied: the domains of the study.

    Raises:
        UserError: words, but not `domain`; a path that is not there or holds nothing readable; no licence or origin; a
            name that cannot be, or that a domain or data set has already.
    """
    given = {key: config.pop(key) for key in (*WORDS, *LIMITS) if key in config}
    given = {key: value for key, value in given.items() if value not in (None, "")}
    if not given:
        return None
    if "domain" not in given:
        raise _refuse("domain", f"is not named, though {next(iter(given))} is", f"name it: {HOW}")
    words = {key: _text(key, given[key]) for key in WORDS if key in given}
    limits = {key: given[key] for key in LIMITS if key in given}
    if "slm" not in config.get("methods", []):
        raise _refuse("methods", "a domain is advised and measured beside the slm", "add slm to the methods")
    domain = words["domain"]
    rows = tables["domains"].set_index("domain")["dataset"]
    if domain in studied:
        raise _refuse("domain", f'"{domain}" is a domain of this study', "look at its results, or name another")
    if domain in rows.index:
        dataset = read_datasets(tables["datasets"], [rows[domain]])[rows[domain]]
        return OwnDomain(domain, dataset, list_shards(dataset) or [{}], limits)
    for key in ("licence", "origin"):
        if key not in words:
            remedy = f'say what the text may be used for and where it comes from ("unknown" is an answer): {HOW}'
            raise _refuse(key, "is not said", remedy)
    name = words.get("name") or _name_of(domain)
    taken = {GENERIC, PLACED, *tables["domains"]["domain"], *tables["datasets"]["dataset"]}
    if name in taken:
        raise _refuse("name", f'"{name}" is the name of a domain or data set of config/', "give it another: name=…")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        message = f'"{name}" is no name: small letters, digits and _, a letter first'
        raise _refuse("name", message, "give it one: name=…")
    field = words.get("field", "text")
    dataset = DataSet(name, "files", shlex.quote(domain), NONE, field, NONE, words["licence"], words["origin"], NONE)
    shards = list_shards(dataset)
    if not shards:
        raise UserError(
            "there is no such file, folder or pattern, nor such a row in config/domains.tsv",
            where=domain,
            key="domain",
            remedy=f"name what is there: {HOW}",
        )
    return OwnDomain(name, dataset, shards, limits)


def check_source(own: OwnDomain, run: Path) -> None:
    """Refuse to put other documents in the place of finished results of the same name.

    Args:
        run: the study's folder, results/{run}.

    Raises:
        UserError: the advice there was made from another folder or file.
    """
    read = run / f"logs/collect_documents/{own.dataset.dataset}/00000.summary.json"
    results = run / "own" / own.name
    if not ((results / "advice.json").exists() and read.exists()):
        return
    earlier = read_json(read)["settings"]["source"]
    if earlier != own.dataset.source:
        raise UserError(
            f"holds the results of {earlier}, not of {own.dataset.source}",
            where=results,
            key="name",
            remedy="give these documents a name of their own (name=…; NAME=… of make), or delete this folder",
        )


def _name_of(domain: str) -> str:
    """ "notes/My Mails 2024.jsonl.gz" -> "my_mails_2024"; of a pattern, the folder that it begins with."""
    parts = [part for part in Path(domain).expanduser().resolve().parts if not set("*?[") & set(part)]
    word = re.sub(r"[^a-z0-9]+", "_", parts[-1].split(".")[0].lower()).strip("_")
    return word if re.match("[a-z]", word) else f"own_{word}".rstrip("_")


def _text(key: str, value: Any) -> str:
    if isinstance(value, Mapping | list):
        remedy = f"quote it twice: {key}='\"…\"'"
        if key == "domain":
            remedy += "; the study's domains are domains: […]"
        raise _refuse(key, f"{value} was read as a list", remedy)
    return str(value).strip()


def _refuse(key: str, message: str, remedy: str) -> UserError:
    return UserError(message, where="own domain", key=key, remedy=remedy)
