"""The published results as one page to look at, and the README's table: what a visitor sees without running anything.

In: results/published, a folder for each run (`speclm.study.published`), for each clustering of real text, and for the
benchmark. Out: results/published/README.md, and in README.md the rows between two marks, of the run that the first
names:

    <!-- results of laptop -->
    Perplexity after fine-tuning (FT) …
    | method | FT 1k | …
    <!-- end of results -->
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2
import pandas as pd

from speclm.stage.errors import UserError
from speclm.stage.files import read_json, read_table, write_text
from speclm.study.environment import ENVIRONMENT
from speclm.study.figures import FIGURES
from speclm.study.layout import DASH, count, markdown_rows, signed
from speclm.study.overview import count_verdicts, main_table
from speclm.study.paper_claims import TOPICS
from speclm.study.peers import PEERS
from speclm.study.plan import Plan
from speclm.study.published import Published, open_published
from speclm.study.publishing import ABLATIONS
from speclm.study.record import RECORD
from speclm.study.style import title_of

PUBLISHED = Path("results/published")
FIRST, LAST = "<!-- results of {} -->", "<!-- end of results -->"
PEER = "ngram"  # whose row the README shows beside the methods
HEAD = """# Published results

What stands here was measured by this repository, and can be looked at without running anything. This page is made of
the files beside it: `make publish` or `make figures` writes it again. Words are explained in the
[glossary](../../workflow/documentation/glossary.md), verdicts in
[how claims are judged](../../workflow/documentation/judging.md).
"""


def write_gallery(repository: Path) -> None:
    """Write the page of results/published and the README's table.

    Raises:
        UserError: README.md has not the marks, or names a run that is not published.
    """
    write_text(repository / PUBLISHED / "README.md", gallery(repository))
    write_text(repository / "README.md", with_results(repository))


def gallery(repository: Path) -> str:
    """The page of results/published in Markdown."""
    folder = repository / PUBLISHED
    runs = sorted((path.parent.name for path in folder.glob(f"*/{RECORD}")), key=lambda run: (run != "study", run))
    chapters = [_chapter(open_published(run, repository)) for run in runs]
    clusterings = [path.parent for path in sorted(folder.glob(f"*/*/{RECORD}")) if path.parent.name != ABLATIONS]
    chapters += [_clusterings(clusterings, folder)] if clusterings else []
    chapters += [_benchmark(folder / "bench")] if (folder / "bench").exists() else []
    contents = [f"- [{title}](#{re.sub(r'[^a-z0-9]+', '-', title.lower())})" for title, _ in chapters]
    return "\n".join([HEAD, *contents, *(f"\n## {title}\n{text}" for title, text in chapters)])


def with_results(repository: Path) -> str:
    """README.md with the rows of the run that its mark names.

    Raises:
        UserError: as `write_gallery`.
    """
    path = repository / "README.md"
    text = path.read_text(encoding="utf-8")
    marks = re.search(FIRST.format(r"(\S+)") + r"\n(.*?)" + LAST, text, flags=re.S)
    if marks is None:
        raise UserError("has no place for results", where=path, remedy=f"add {FIRST.format('laptop')} and {LAST}")
    return f"{text[: marks.start(2)]}{_results_of(open_published(marks[1], repository))}\n{text[marks.end(2) :]}"


def _results_of(published: Published) -> str:
    """The methods and one peer after fine-tuning, under what the numbers are."""
    plan, table = published.evidence.plan, main_table(published.evidence)
    others = [peer.label for name, peer in PEERS.items() if name != PEER]
    rows = markdown_rows(table.loc[~table["method"].isin(others)].drop(columns=["generic", "before FT"]))
    over = (
        f"over {len(plan.seeds)} seeds and test documents"
        if len(plan.seeds) > 1
        else "over test documents, of one seed"
    )
    told = [
        f"Perplexity after fine-tuning (FT) on so many tokens, the macro average over {', '.join(plan.domains)},",
        f"at {_largest(plan)}, with 95 % intervals {over}. **Lower is better.**",
    ]
    return "\n".join([*told, "", *rows, ""])


def _chapter(published: Published) -> tuple[str, str]:
    name, e = published.folder.name, published.evidence
    claims = read_table(published.folder / "claims.tsv")
    parts = [
        _what(published),
        f"**Perplexity at {_largest(e.plan)}, with 95 % intervals: lower is better.** On generic text, then the macro "
        "average over the domains before fine-tuning (FT) and after it on so many tokens.",
        "\n".join(markdown_rows(main_table(e))),
        f"**{count_verdicts(claims)}.** Margins are in nats at equal cost, positive on the paper's side, with 95 % "
        "intervals, of the part that decides the claim.",
        "\n".join(_claims(claims)),
    ]
    if (scale := published.folder / "tables/scale.md").exists():
        rows = [line for line in scale.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
        parts += ["**The study's scale beside the paper's.** Several numbers: at each budget or size.", "\n".join(rows)]
    parts += [_links(published.folder), *_figures(published)]
    return f"The run {name}", "\n" + "\n\n".join(parts) + "\n"


def _what(published: Published) -> str:
    """What the run is: networks, domains, budgets, seeds, and where it was made."""
    settings, plan, metrics = published.settings, published.evidence.plan, published.evidence.metrics
    networks = [
        f"{method.label} of {count(metrics.loc[metrics['method'] == method.name, 'parameters_serve'].max())} parameters"
        for method in plan.methods
        if method.name in ("slm", "llm")
    ]
    seeds = f"{len(plan.seeds)} seed{'s' * (len(plan.seeds) > 1)} ({', '.join(map(str, plan.seeds))})"
    return (
        f"{len(plan.methods)} methods on {', '.join(plan.domains)}: {' and '.join(networks)}, budgets of "
        f"{', '.join(map(count, plan.budgets))} tokens of the SLM, fine-tuning on {', '.join(map(count, plan.sizes))} "
        f"tokens, generic text `{settings['documents']['generic']}`, {seeds}. {_origin(published.folder)}"
    )


def _largest(plan: Plan) -> str:
    """The largest budget in words; importance sampling has its own, which every domain pays."""
    own = [
        f"; {method.label}: {count(plan.budgets_of(method.name)[-1])}"
        for method in plan.methods
        if plan.budgets_of(method.name)[-1] not in (0, plan.budgets[-1])
    ]
    return f"the largest budget ({count(plan.budgets[-1])} tokens of the SLM{''.join(own)})"


def _origin(folder: Path) -> str:
    record = read_json(folder / RECORD)
    made = "; ".join(
        f"seed{'s' * (len(part['seeds']) > 1)} {', '.join(map(str, part['seeds']))}: {_commit(part)}"
        for part in record.get("joined", [])
    )
    spent = ""
    if not made and (folder / ENVIRONMENT).exists():
        environment = read_json(folder / ENVIRONMENT)
        start, end = (datetime.fromisoformat(environment[key]) for key in ("started", "ended"))
        spent = f", in {(end - start).total_seconds() / 60:.0f} minutes"
    return f"Made at {made or _commit(record)}{spent}."


def _commit(record: Mapping[str, Any]) -> str:
    dirty = ", with changes" if record["dirty"] else ""
    return f"commit `{record['commit'][:7]}`{dirty} on {record['processor']}, {record['started'][:10]}"


def _claims(claims: pd.DataFrame) -> Iterator[str]:
    """The claims by topic, with margin and verdict, at equal cost and at equal tokens."""
    yield "| claim of the paper | margin here | verdict | at equal tokens |"
    yield "| --- | ---: | --- | --- |"
    for topic in TOPICS:
        yield f"| **{topic}** | | | |"
        for row in claims.loc[claims["topic"] == topic].to_dict("records"):
            margin = signed(row["measured"], row["low"], row["high"])
            second = DASH if pd.isna(row["verdict_tokens"]) else row["verdict_tokens"]
            yield f"| {row['claim']} | {margin} | {row['verdict']} | {second} |"


def _links(folder: Path) -> str:
    name = folder.name
    words = {
        "claims.tsv": "claims",
        "claim_parts.tsv": "all their parts",
        "metrics.tsv": "every measurement",
        "costs.tsv": "costs",
        "tables": "the paper's tables",
        "cards": "model cards",
        "data_card.md": "the text",
        "assumptions.md": "settings and their origins",
        "run.json": "the run's record",
    }
    links = [f"[{said}]({name}/{path})" for path, said in words.items() if (folder / path).exists()]
    report = f"The whole report is one page, `{name}/report.html`: `make figures PRESET={name}` writes it."
    return f"Files: {', '.join(links)}. {report}"


def _figures(published: Published) -> Iterator[str]:
    """Every figure as a picture under its caption's first sentence, with a link to the numbers that it shows."""
    folder, name = published.folder, published.folder.name
    looks = jinja2.FileSystemLoader(published.repository / "workflow/report")
    captions = jinja2.Environment(loader=looks).get_template("figure.rst")
    for study, place in ((published, ""), (published.variants, f"{ABLATIONS}/")):
        for figure in FIGURES if study else ():
            path = f"{place}figures/figure_{figure}.png"
            if (folder / path).exists():
                known = SimpleNamespace(wildcards=SimpleNamespace(figure=figure), config=published.settings)
                caption = captions.render(snakemake=known).strip().partition("\n")[0]
                finding = title_of(folder / path)
                table = Path(path).with_suffix(".tsv")
                numbers = f" ([numbers]({name}/{table}))" if (folder / table).exists() else ""
                yield f"{caption}{numbers}\n\n![Figure {figure}: {finding}]({name}/{path})"


def _clusterings(folders: list[Path], published: Path) -> tuple[str, str]:
    """The runs that only cluster real text: tables 9 and 10."""
    text = "\nTables 9 and 10 on a sample of C4 and eight of the paper's nine domains, without training: "
    text += "[how and what came out](../../workflow/documentation/tables_9_and_10.md).\n\n"
    rows = []
    for folder in folders:
        record = read_json(folder / RECORD)
        repetitions = len(record["clusters"]["repetitions"])
        path = folder.relative_to(published) / "clusters.md"
        windows = f"{record['train']['generic']['windows']:,}"
        rows.append([f"[{folder.name}]({path})", record["embedder"]["kind"], windows, repetitions, _commit(record)])
    columns = ["tables", "embedder", "windows of C4", "seeds of k-means", "made at"]
    return "Clusters of real text", text + "\n".join(markdown_rows(pd.DataFrame(rows, columns=columns))) + "\n"


def _benchmark(folder: Path) -> tuple[str, str]:
    rows = [
        [f"[{table}](bench/{table})", said, f"{machine['processor']}, {machine['date'][:10]}"]
        for table, said, machine in (
            ("bench.tsv", "training and inference beside their peers", read_json(folder / "machine.json")),
            ("profile.tsv", "the operators of a step of the SLM", read_json(folder / "machine.json")),
            ("data.tsv", "the stages before training beside their libraries", read_json(folder / "data.json")),
        )
    ]
    text = "\nSpeed and memory by `make bench`: [what was measured](../../workflow/documentation/engine.md).\n\n"
    return "Benchmark", text + "\n".join(
        markdown_rows(pd.DataFrame(rows, columns=["file", "what", "measured on"]))
    ) + "\n"
