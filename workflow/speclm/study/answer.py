"""What a study came to, before all else: findings, the methods in a line each, the main table, the verdicts.

In: the study's files and the titles of its figures. Out: parts of the page's first section.

    LLM lowest at every budget (one seed)      SLM-is: small transformer pretrained on generic text resampled to …
    SLM 13.3 17.5 17.2 16.6 14.9               one seed: cannot tell   1. Pretraining and fine-tuning are both needed
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd
from markupsafe import Markup

from speclm.study.layout import count, signed, with_interval
from speclm.study.markup import from_table
from speclm.study.overview import count_verdicts
from speclm.study.paper_claims import TOPICS
from speclm.study.peers import PEERS
from speclm.study.verdicts import kind_of

FOREMOST = ("trend", "1", "4b", "5", "6")  # figures whose findings come first


def findings(titles: Mapping[str, str]) -> Markup:
    """What the foremost figures find, each with a link to it.

    Args:
        titles: of the figures that are there, by name.
    """
    item = Markup('<li>{} <a href="#figure_{}">Figure {}</a></li>')
    shown = [item.format(f"{titles[name]}.", name, name) for name in FOREMOST if titles.get(name)]
    return Markup('<ul class="findings">{}</ul>').format(Markup("").join(shown)) if shown else Markup("")


def methods_in_a_line(methods: pd.DataFrame, measured: Iterable[str]) -> Markup:
    """The methods of the study and its peers, each in a line.

    Args:
        methods: config/methods.tsv. measured: names of those that the study has.
    """
    known = {row["method"]: (row["label"], row["description"]) for row in methods.to_dict("records")}
    known |= {name: (peer.label, f"{peer.description}; no method of the paper") for name, peer in PEERS.items()}
    there = set(measured)
    rows = [Markup("<dt>{}</dt><dd>{}</dd>").format(*told) for name, told in known.items() if name in there]
    return Markup('<dl class="methods">{}</dl>').format(Markup("\n").join(rows))


def main_table(perplexities: pd.DataFrame) -> Markup:
    """Macro perplexity of every method at its largest budget, before and after fine-tuning.

    Args:
        perplexities: tables/table_8.tsv.
    """
    rows = perplexities.drop_duplicates("model", keep="last").set_index("model")
    rows = rows.reindex(perplexities["model"].unique())
    sizes = [name for name in rows.columns if name.startswith("n") and name[1:].isdigit()]
    heads = {"generic": "generic text", "before": "before fine-tuning"}
    heads |= {name: f"after {count(int(name[1:]))} tokens" for name in sizes}
    shown: dict[str, Sequence[str]] = {"method": list(rows.index)}
    peers = {peer.label for peer in PEERS.values()}
    best: dict[str, str] = {}
    for name, head in heads.items():
        numbers = zip(*(rows[f"{name}{end}"] for end in ("", "_low", "_high")), strict=True)
        cells = [with_interval(value, low, high, 1) for value, low, high in numbers]
        own = rows[name].where(~rows.index.isin(peers))
        best |= {cells[int(own.argmin())]: "best"} if own.notna().any() else {}
        shown[head] = cells
    last = int(perplexities["budget"].max())
    told = (
        f"At the largest budget, {count(last)} tokens of the SLM, with 95 % intervals; lower is better. Generic text, "
        "then the macro average over the domains. Bold: the lowest of the methods."
    )
    return Markup("<p>{}</p>").format(told) + from_table(pd.DataFrame(shown), best)


def verdicts(claims: pd.DataFrame, classes: Mapping[str, str]) -> Markup:
    """The paper's claims by what they are about, each with its verdict and the part that decides it.

    Args:
        classes: of the page, by kind of verdict.
    """
    item = Markup('<li><span class="{}">{}</span> <a href="#topic_{}">{}</a> <span class="decided">{}{}</span></li>\n')
    shown = Markup("<p>{}.</p>\n").format(count_verdicts(claims))
    for place, topic in enumerate(TOPICS, start=1):
        items = Markup("")
        for row in claims.loc[claims["topic"] == topic].to_dict("records"):
            note = "" if pd.isna(row["note"]) else f"{str(row['note'])[:1].upper()}{str(row['note'])[1:]}"
            margin = "" if pd.isna(row["measured"]) else f": {signed(row['measured'], row['low'], row['high'])}"
            verdict = str(row["verdict"])
            items += item.format(classes[kind_of(verdict)], verdict, place, row["claim"], note, margin)
        if items:
            shown += Markup('<h4>{}</h4>\n<ul class="verdicts">\n{}</ul>\n').format(topic, items)
    told = "Margins in nats at equal cost, with 95 % intervals; above 0 is the paper's side."
    return shown + Markup("<p>{}</p>").format(told)
