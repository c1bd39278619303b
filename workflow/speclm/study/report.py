"""The report of a study on one page: the answer first, then claims, results, costs, assumptions, data and the rest.

In: the study's files by name, of a run or published; what is not there is left out. Out: the sections of
`speclm.study.page`. Introductions and captions are those of Snakemake's own report (workflow/report/*.rst).

    {"claims": Path("claims.tsv"), "tables": [Path("tables/table_8.md")], "figures": [Path("figures/figure_3.png")]}
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from speclm.stage.errors import UserError
from speclm.stage.files import read_table, write_text
from speclm.study.answer import FOREMOST, findings, main_table, methods_in_a_line, verdicts
from speclm.study.figures import FIGURES
from speclm.study.headings import labels_of, readable
from speclm.study.layout import DASH, signed
from speclm.study.markup import from_facts, from_markdown, from_rst, from_table, listed
from speclm.study.page import Picture, Section, Text, render
from speclm.study.paper_claims import TOPICS
from speclm.study.pins import read_pins
from speclm.study.scale import outside
from speclm.study.style import title_of
from speclm.study.tables import TABLES
from speclm.study.verdicts import FAILS, HOLDS, ONE_SEED, PARTLY, UNDECIDED, kind_of

Files = Mapping[str, Any]  # a path, or a list of paths
PLACES = {
    **{name: f"{name}.tsv" for name in ("claims", "claim_parts", "metrics", "costs", "timings", "serving")},
    **{name: f"{name}.md" for name in ("assumptions", "data_card")},
    **{"scale": "tables/scale.md", "relative_cost": "relative_cost.txt"},
}
LONG = 30  # rows
MARKS = {HOLDS: "good", PARTLY: "partly", FAILS: "bad", UNDECIDED: "open", ONE_SEED: "open"}  # classes of the page


def write_report(
    files: Files, config: Mapping[str, Any], environment: Mapping[str, Any], output: Path, *, variants: bool = False
) -> None:
    """Write the page.

    Args:
        files: claims, claim_parts, metrics, costs, timings, serving (tables as TSV), assumptions, data_card (Markdown),
            scale (Markdown, with TSV and LaTeX beside), relative_cost (text); lists: tables (as scale), figures (PNG,
            with PDF and TSV beside), cards (Markdown); methods: config/methods.tsv; looks: everything in
            workflow/report; locks: the locks of envs/.
        config: the run's configuration. environment: as of `speclm.study.environment`.
        variants: whether it is the study of the variants.
    """
    looks = files["looks"][0].parent
    captions = Captions(looks, config, labels_of(read_table(files["methods"]), config))
    makers = (
        ("answer", "The answer", _answer),
        ("claims", "The claims in full", _claims),
        ("scale", "Scale", _scale),
        ("results", "Figures and tables", _results),
        ("costs", "Costs", _costs),
        ("assumptions", "Assumptions", _assumptions),
        ("data", "Data", _data),
        ("models", "Models", _models),
        ("measurements", "Measurements", _measurements),
    )
    sections = [Section(name, title, list(make(files, captions))) for name, title, make in makers]
    sections.append(Section("environment", "Environment", list(_environment(files, environment))))
    title = f"speclm: the study {config['run']}{' with its variants' if variants else ''}"
    page = render(title, captions.of("introduction"), [section for section in sections if section.parts], looks)
    write_text(output, page)


def find_files(folders: Sequence[Path], repository: Path) -> Files:
    """What the page shows of a published study; what stands in several folders is taken from the first.

    Raises:
        UserError: claims, their parts or metrics are nowhere.
    """

    def found(name: str) -> Path | None:
        return next((folder / name for folder in folders if (folder / name).exists()), None)

    def all_found(names: Iterable[str]) -> list[Path]:
        return [path for path in map(found, names) if path]

    tables = [f"tables/table_{name}.md" for name in TABLES] + ["tables/sensitivity.md", "clusters.md"]
    cards = sorted({str(path.relative_to(folder)) for folder in folders for path in folder.glob("cards/*/*.md")})
    files: dict[str, Any] = {name: found(place) for name, place in PLACES.items()}
    for name in ("claims", "claim_parts", "metrics"):
        if files[name] is None:
            raise UserError("is not there", where=folders[0] / PLACES[name], remedy="make it first: make figures")
    return {
        **{name: path for name, path in files.items() if path},
        "tables": all_found(tables),
        "figures": all_found(f"figures/figure_{name}.png" for name in FIGURES),
        "cards": all_found(cards),
        "methods": repository / "config/methods.tsv",
        "looks": sorted((repository / "workflow/report").glob("*.*")),
        "locks": sorted((repository / "envs").glob("*.txt")),
    }


class Captions:
    """The texts of Snakemake's report, filled in as Snakemake fills them. `labels`: of the methods, by name."""

    def __init__(self, folder: Path, config: Mapping[str, Any], labels: Mapping[str, str]) -> None:
        self.labels = labels
        loader = jinja2.FileSystemLoader(folder)
        # What it makes is no HTML yet: escaping is up to `from_rst`.
        self._texts = jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined)
        self._config = config

    def of(self, name: str, **wildcards: str) -> Markup:
        """The text called `name`.rst, as HTML."""
        known = SimpleNamespace(config=self._config, wildcards=SimpleNamespace(**wildcards))
        return from_rst(self._texts.get_template(f"{name}.rst").render(snakemake=known))


def _answer(files: Files, captions: Captions) -> Iterator[Text | Picture]:
    titles = {name: title_of(path) for name, path in _figures(files).items()}
    if any(titles.get(name) for name in FOREMOST):
        yield Text("findings", "", findings(titles))
    measured = read_table(files["metrics"])["method"]
    yield Text("methods", "The methods", methods_in_a_line(read_table(files["methods"]), measured))
    tables = {path.stem: path for path in files["tables"]}
    if "table_8" in tables:
        path = tables["table_8"].with_suffix(".tsv")
        yield Text("main_table", "Perplexity of each method", main_table(read_table(path)), (path,))
    if "1" in titles:
        yield _picture("1", _figures(files)["1"], captions)
    yield Text("verdicts", "The paper's claims here", verdicts(read_table(files["claims"]), MARKS), (files["claims"],))
    yield Text("reading", "How to read this page", captions.of("workflow"), folded=True)


def _claims(files: Files, captions: Captions) -> Iterator[Text]:
    claims, parts = read_table(files["claims"]), read_table(files["claim_parts"])
    yield Text("judging", "How claims are judged", captions.of("claims"), (files["claim_parts"],), folded=True)
    for place, topic in enumerate(TOPICS, start=1):
        of_topic = claims.loc[claims["topic"] == topic]
        if len(of_topic):
            shown = _margins(of_topic, ["claim"], ["paper", "note"])
            yield Text(f"topic_{place}", topic, shown + _parts(of_topic, parts.loc[parts["topic"] == topic]))


def _parts(claims: pd.DataFrame, parts: pd.DataFrame) -> Markup:
    """Under each claim its parts, shown when asked for."""
    folded = Markup('<details id="claim_{}"><summary>{}</summary>{}</details>')
    shown = Markup("")
    for number, rows in parts.groupby("claim"):
        claim = claims.loc[claims["claim"].str.startswith(f"{number}. ")].iloc[0]
        held = f"{claim['parts_held']} of {claim['parts']} parts hold"
        unsaid = f"{claim['parts']} {'part' if claim['parts'] == 1 else 'parts'}, not told by one seed"
        kept = "not measured" if pd.isna(claim["measured"]) else held
        told = f"Claim {number}: {unsaid if claim['verdict'] == ONE_SEED else kept}"
        shown += folded.format(number, told, _margins(rows, ["part"], ["note"]))
    return shown


def _margins(rows: pd.DataFrame, first: list[str], last: list[str]) -> Markup:
    """Verdicts and margins at equal cost and at equal tokens, between other columns."""
    rows = rows.fillna({"verdict_tokens": DASH, "note": ""})
    marks = {verdict: MARKS[kind_of(verdict)] for verdict in {*rows["verdict"], *rows["verdict_tokens"]} - {DASH}}
    sides: dict[str, Any] = {}
    for equal, ending in (("cost", ""), ("tokens", "_tokens")):
        numbers = rows[[f"{name}{ending}" for name in ("measured", "low", "high")]]
        sides[f"at equal {equal}"] = rows[f"verdict{ending}"]
        sides[f"margin at equal {equal}"] = [signed(*row) for row in numbers.itertuples(index=False)]
    words = {name: rows[name] for name in (*first, *last)}
    return from_table(pd.DataFrame({**{name: words[name] for name in first}, **sides, **words}), marks)


def _scale(files: Files, captions: Captions) -> Iterator[Text]:
    if "scale" in files:
        path: Path = files["scale"]
        words = outside(read_table(path.with_suffix(".tsv")))
        told = Markup("").join(Markup("<p>{}</p>").format(line) for line in words)
        table = from_markdown(path.read_text(encoding="utf-8"))
        yield Text("table_scale", "", captions.of("scale") + told + table, _forms(path))


def _results(files: Files, captions: Captions) -> Iterator[Text | Picture]:
    for name, path in _figures(files).items():
        if name != "1":  # which stands in the answer
            yield _picture(name, path, captions)
    for path in files["tables"]:
        yield Text(path.stem, "", from_markdown(path.read_text(encoding="utf-8")), _forms(path))


def _figures(files: Files) -> dict[str, Path]:
    """By name, in their order."""
    figures = {path.stem.removeprefix("figure_"): path for path in files["figures"]}
    return {name: figures[name] for name in FIGURES if name in figures}


def _picture(name: str, path: Path, captions: Captions) -> Picture:
    more = tuple(path.with_suffix(ending) for ending in (".pdf", ".tsv"))
    files = (path, *(form for form in more if form.exists()))
    return Picture(path.stem, captions.of("figure", figure=name), files, title_of(path))


def _costs(files: Files, captions: Captions) -> Iterator[Text]:
    if "costs" in files:
        yield _sheet(files["costs"], "FLOPs of every recipe", captions.of("costs"), captions.labels)
    if "serving" in files:
        told = "One specialised model of each method at a time: what a token costs, and how many there are a second."
        yield _sheet(files["serving"], "Inference, measured", Markup("<p>{}</p>").format(told), captions.labels)
    if "timings" in files:
        told = "Seconds that training took in this run, shared by all domains and for each."
        if "relative_cost" in files:
            told += f" {files['relative_cost'].read_text(encoding='utf-8')}"
        yield _sheet(files["timings"], "Training, measured", Markup("<p>{}</p>").format(told), captions.labels)


def _assumptions(files: Files, captions: Captions) -> Iterator[Text]:
    if "assumptions" in files:
        page = from_markdown(_without_title(files["assumptions"]))
        yield Text("settings", "", captions.of("assumptions") + page, (files["assumptions"],))


def _data(files: Files, captions: Captions) -> Iterator[Text]:
    if "data_card" in files:
        page = from_markdown(_without_title(files["data_card"]))
        yield Text("data_card", "", captions.of("card") + page, (files["data_card"],))


def _models(files: Files, captions: Captions) -> Iterator[Text]:
    for path in files.get("cards", []):
        page = path.read_text(encoding="utf-8")
        title = page.partition("\n# ")[2].partition("\n")[0]
        name = f"{path.parent.name}-{path.stem}"
        yield Text(name, title, from_markdown(_without_title(path)), (path,), folded=True)


def _measurements(files: Files, captions: Captions) -> Iterator[Text]:
    yield _sheet(files["metrics"], "Every measurement", captions.of("metrics"), captions.labels)


def _environment(files: Files, environment: Mapping[str, Any]) -> Iterator[Text]:
    changed = " and changes that were not committed" if environment["dirty"] else ""
    facts = {
        "commit": listed(environment["commits"]) + changed,
        "started": listed([environment["started"]]),
        "ended": listed([environment["ended"]]),
        "host": listed(environment["hosts"]),
        "processor": listed(environment["processors"]),
        "device": listed(environment["devices"]),
        "Python": listed(environment["pythons"]),
    }
    known = {name: fact for name, fact in facts.items() if fact != DASH}
    yield Text("made", "Where this run was made", from_facts(known))
    if environment["versions"]:
        versions = from_facts(_joined(environment["versions"]))
        yield Text("versions", "Libraries, as its stages had loaded them", versions)
    if environment["stages"]:
        stages = pd.DataFrame([{**stage, "devices": listed(stage["devices"])} for stage in environment["stages"]])
        yield Text("stages", "Its stages", from_table(stages))
    pins = from_facts(_joined(read_pins(files["locks"])))
    yield Text("pins", "Versions that envs/ pins, in the checkout that made this page", pins, folded=True)


def _forms(path: Path) -> tuple[Path, ...]:
    """The other forms of a table in Markdown that lie beside it."""
    forms = [path.with_suffix(ending) for ending in (".tsv", ".tex")]
    return tuple(form for form in forms if form.exists())


def _joined(versions: Mapping[str, Sequence[str]]) -> dict[str, str]:
    return {package: listed(found) for package, found in versions.items()}


def _sheet(path: Path, title: str, told: Markup, labels: Mapping[str, str]) -> Text:
    """A table that lies there, under headings for readers; a long one is shown when asked for."""
    table = readable(read_table(path), labels)
    return Text(f"all_{path.stem}", title, told + from_table(table), (path,), folded=len(table) > LONG)


def _without_title(path: Path) -> str:
    """A Markdown page below its front matter and its title."""
    lines: Sequence[str] = path.read_text(encoding="utf-8").splitlines()
    title = next(place for place, line in enumerate(lines) if line.startswith("# "))
    return "\n".join(lines[title + 1 :])
