"""A domain of the user's own, as asked for on the command line or in a configuration file.

In go a few words beside the study's settings; out comes the domain: its name and its data set, as if both stood in
config/domains.tsv and config/datasets.tsv.

    domain=handbook/ licence=CC-BY-4.0 origin="our handbook"
    ->  own/handbook: kind files, source handbook/, field text, licence CC-BY-4.0, origin our handbook

`domain` may also be a row of config/domains.tsv that the study does not have; then that row says all the rest.

Words count as they were typed. Snakemake reads what follows --config as YAML, where "2024_01" is a number and " #"
begins a comment, and hands it on to the processes of jobs through a shell. So `typed_words` takes them before that, and
`packed_words` hands them on as one word of letters and digits.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speclm.data.local import at_home
from speclm.data.names import check_domain_names, own_name
from speclm.data.shards import NONE, DataSet, Files, list_shards, read_datasets
from speclm.stage.errors import UserError
from speclm.stage.files import read_json

if TYPE_CHECKING:
    import pandas as pd

WORDS = ("domain", "name", "field", "licence", "origin", "strict")
LIMITS = ("latency", "parameters", "specialization", "pretraining")
PACKED = "own_words"  # all words in one
HOW = 'make specialize DOMAIN=path/to/documents LICENCE=CC-BY-4.0 ORIGIN="what it is"'


@dataclass(frozen=True)
class OwnDomain:
    """A domain that joins a study.

    Attributes:
        name: among corpora, "own/…".
        dataset: its row of config/datasets.tsv, or one made of the user's words, called like the domain.
        shards: what is read together.
        limits: what was said of the budgets, by `LIMITS`.
        strict: whether what cannot be read of it is refused, not passed over.
    """

    name: str
    dataset: DataSet
    shards: list[Files]
    limits: Mapping[str, Any]
    strict: bool


def typed_words(arguments: Iterable[str]) -> dict[str, str]:
    """The words among the arguments of --config, as typed; one pair of quotes around a word is no part of it.

    ["domain=notes #2", "name=2024_01", "seeds=[17]"]  ->  {"domain": "notes #2", "name": "2024_01"}
    """
    words = dict[str, str]()
    for key, _, text in (argument.partition("=") for argument in arguments):
        if key == PACKED:
            words |= json.loads(bytes.fromhex(text.removeprefix("x")))
        elif key in WORDS:
            words[key] = text[1:-1] if re.fullmatch(r"""(['"]).*\1""", text, flags=re.DOTALL) else text
    return words


def packed_words(words: Mapping[str, str]) -> str:
    """An argument of --config that holds the words, and nothing that a shell or YAML reads as anything else."""
    return f"{PACKED}=x{json.dumps(words).encode().hex()}"


def packed_arguments(arguments: Sequence[str]) -> list[str]:
    """The arguments of --config with all words in one."""
    words = typed_words(arguments)
    others = [argument for argument in arguments if argument.partition("=")[0] not in (PACKED, *WORDS)]
    return [*others, packed_words(words)] if words else others


def take_own_domain(
    config: MutableMapping[str, Any],
    tables: Mapping[str, pd.DataFrame],
    studied: Sequence[str],
    typed: Mapping[str, str],
) -> OwnDomain | None:
    """Take the words about an own domain out of the configuration; None where there is no `domain`.

    Args:
        config: the study's settings and, beside them, `WORDS` and `LIMITS`.
        tables: "domains" and "datasets". studied: the domains of the study.
        typed: the words of the command line, which count before those of configuration files.

    Raises:
        UserError: words, but not `domain`; a path that is not there or holds nothing readable; no licence or origin; a
            name that cannot be; a word that a configuration file gives as a number or a list.
    """
    config.pop(PACKED, None)
    given = {key: config.pop(key) for key in (*WORDS, *LIMITS) if key in config}
    given = {key: value for key, value in {**given, **typed}.items() if value not in (None, "")}
    if not given:
        return None
    if "domain" not in given:
        raise _refuse("domain", f"is not named, though {next(iter(given))} is", f"name it: {HOW}")
    words = {key: _text(key, given[key]) for key in WORDS if key in given}
    limits = {key: given[key] for key in LIMITS if key in given}
    if "slm" not in config.get("methods", []):
        raise _refuse("methods", "a domain is advised and measured beside the slm", "add slm to the methods")
    domain, strict = words["domain"], words.get("strict", "no").lower() not in ("no", "false", "0")
    rows = tables["domains"].set_index("domain")["dataset"]
    if domain in studied:
        raise _refuse("domain", f'"{domain}" is a domain of this study', "look at its results, or name another")
    if domain in rows.index:
        check_domain_names([domain])
        dataset = read_datasets(tables["datasets"], [rows[domain]])[rows[domain]]
        return OwnDomain(own_name(domain), dataset, list_shards(dataset) or [{}], limits, strict)
    for key in ("licence", "origin"):
        if key not in words:
            remedy = f'say what the text may be used for and where it comes from ("unknown" is an answer): {HOW}'
            raise _refuse(key, "is not said", remedy)
    name = words.get("name") or _name_of(domain)
    if not re.fullmatch(r"[a-z0-9][a-z0-9_]*", name):
        raise _refuse("name", f'"{name}" is no name: small letters, digits and _', "give it one: name=…")
    field, source = words.get("field", "text"), shlex.quote(domain)
    dataset = DataSet(own_name(name), "files", source, NONE, field, NONE, words["licence"], words["origin"], NONE)
    shards = list_shards(dataset)
    if not shards:
        raise UserError(
            "there is no such file, folder or pattern, nor such a row in config/domains.tsv",
            where=domain,
            key="domain",
            remedy=f"name what is there: {HOW}",
        )
    return OwnDomain(own_name(name), dataset, shards, limits, strict)


def check_source(own: OwnDomain, run: Path) -> None:
    """Refuse to put other documents in the place of finished results of the same name.

    Args:
        run: the study's folder, results/{run}.

    Raises:
        UserError: the advice there was made from another folder or file.
    """
    read = run / f"logs/collect_documents/{own.dataset.dataset}/00000.summary.json"
    results = run / own.name
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
    path = at_home(domain).resolve()
    parts = [part for part in path.parts if path.exists() or not set("*?[") & set(part)]
    return re.sub(r"[^a-z0-9]+", "_", parts[-1].split(".")[0].lower()).strip("_") or "unnamed"


def _text(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        remedy = f'quote it in the configuration file: {key}: "…"'
        if key == "domain":
            remedy += "; the study's domains are domains: […]"
        raise _refuse(key, f"{value} was read as a {type(value).__name__}", remedy)
    return value


def _refuse(key: str, message: str, remedy: str) -> UserError:
    return UserError(message, where="own domain", key=key, remedy=remedy)
