"""Every preset: complete, its jobs counted by rule in a dry run, and planned as it would run."""

import copy
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from snakemake.utils import update_config

from speclm.stage.configuration import check_config
from speclm.stage.files import read_table
from speclm.stage.graph import read_graph

ROOT = Path(__file__).parents[2]
SNAKEMAKE = [sys.executable, "-m", "snakemake", "--cores", "2"]


def dry_run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*SNAKEMAKE, "--dry-run", "--forceall", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


def jobs(output: str) -> dict[str, int]:
    """The table "job count" that Snakemake prints last."""
    table = output.rsplit("Job stats:", 1)[1]
    return {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", table, flags=re.M)}


EVERYWHERE = {
    **dict.fromkeys(
        ["all", "check_claims", "check_splits", "count_histograms", "count_ngrams", "fit_clusters", "fit_embedder"], 1
    ),
    **dict.fromkeys(["gather_metrics", "measure_serving", "report_splits", "split_documents", "train_tokenizer"], 1),
    **dict.fromkeys(["write_assumptions", "write_card", "write_croissant", "write_method_cards"], 1),
    **dict.fromkeys(["compare_costs", "write_report", "write_scale", "write_summary"], 1),
    "evaluate_generic": 4,
    "make_table": 10,
    "draw_figure": 16,
}


def jobs_of(domains: int, shards: int, experts: int, documents: int, lists: int) -> dict[str, int]:
    """Jobs of a study by rule.

    Args:
        domains: how many. shards: of generic text. experts: of the mixture. documents: shards of all data sets.
        lists: of shards: of tokens, and of clusters for each k of a mixture or projected network.
    """
    splits = shards + 1 + 3 * domains  # generic train by shard, held-out, three of each domain
    return EVERYWHERE | {
        "collect_documents": documents,
        "list_shards": lists,
        "split_shard": shards,
        **dict.fromkeys(["encode_split", "hash_split"], splits),
        **dict.fromkeys(["embed_split", "assign_clusters"], shards + 1 + domains),
        **dict.fromkeys(["sample_importance", "distill_model"], domains),
        "pretrain_model": 3 + experts + domains,  # slm, llm, slm_pn, the mixture's experts, slm_is for each domain
        "specialize_model": 6 * domains,
        "evaluate_domain": 7 * domains,
    }


PRESETS = {
    "config": jobs_of(domains=3, shards=1, experts=8, documents=4, lists=2),
    "smoke": jobs_of(domains=2, shards=1, experts=4, documents=3, lists=2),
    # 16 files of C4, two of the Pile for each domain
    "gpu": jobs_of(domains=4, shards=16, experts=16, documents=24, lists=3),
    # C4, Gutenberg, EuroParl, two of Wikipedia and of OpenWebText, one of each of the other five
    "paper": jobs_of(domains=9, shards=1024, experts=16, documents=1024 + 30 + 12 + 2 + 2 + 5, lists=3),
}
COMPLETE = ["config", "gpu", "paper"]
# What the variants need, with the study's own jobs that they rest on.
ABLATIONS = {
    "config": {"pretrain_model": 57, "specialize_model": 54, "distill_model": 15, "fit_clusters": 2},
    "smoke": {"pretrain_model": 26, "specialize_model": 30, "distill_model": 4, "fit_clusters": 3},
    "gpu": {"pretrain_model": 101, "specialize_model": 52, "distill_model": 12, "fit_clusters": 1},
    "paper": {"pretrain_model": 381, "specialize_model": 135, "distill_model": 45, "fit_clusters": 1},
}


def preset(name: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / f"config/{name}.yaml").read_text())


@pytest.mark.parametrize(("name", "expected"), PRESETS.items())
def test_jobs_per_rule_and_the_plan_counts_the_same(name: str, expected: dict[str, int]) -> None:
    """None of the corpora of gpu and paper is there."""
    ended = dry_run("--configfile", f"config/{name}.yaml")
    assert ended.returncode == 0, ended.stderr
    found = jobs(ended.stdout + ended.stderr)
    assert found == {**expected, "total": sum(expected.values())}
    _, planned = read_graph(ROOT, [ROOT / f"config/{name}.yaml"])
    assert Counter(job.rule for job in planned) == expected


@pytest.mark.parametrize(("name", "expected"), ABLATIONS.items())
def test_jobs_of_the_variants(name: str, expected: dict[str, int]) -> None:
    _, planned = read_graph(ROOT, [ROOT / f"config/{name}.yaml"], "ablations")
    found = Counter(job.rule for job in planned)
    assert {rule: found[rule] for rule in expected} == expected


@pytest.mark.parametrize("name", COMPLETE)
def test_a_complete_preset_takes_no_leaf_from_another(name: str) -> None:
    """By itself it is valid where every key is required; laid over the laptop's it stays what it is."""
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
    tables = {table: read_table(ROOT / f"config/{table}.tsv") for table in ("methods", "domains", "datasets")}
    check_config(preset(name), schema, tables, name)
    merged = copy.deepcopy(preset("config"))
    update_config(merged, preset(name))
    assert merged == preset(name)


def test_every_key_of_the_schema_is_required() -> None:
    """What the test above rests on."""

    def objects(schema: Any) -> list[dict[str, Any]]:
        if isinstance(schema, list):
            return [found for item in schema for found in objects(item)]
        if not isinstance(schema, dict):
            return []
        own = [schema] if isinstance(schema.get("properties"), dict) else []
        return own + [found for item in schema.values() for found in objects(item)]

    found = objects(yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text()))
    assert len(found) > 10
    for schema in found:
        assert set(schema["required"]) == set(schema["properties"])
        assert schema["additionalProperties"] is False


def test_presets_share_no_run_name() -> None:
    names = [path.stem for path in (ROOT / "config").glob("*.yaml")]
    assert {"config", "smoke", "gpu", "paper"} <= set(names)
    assert len({preset(name)["run"] for name in names}) == len(names)


def paper_table(name: str, index: str) -> pd.DataFrame:
    return pd.read_csv(ROOT / f"config/reference/paper/{name}.csv").set_index(index)


def test_the_paper_preset_is_the_papers() -> None:
    """Against its own tables."""
    paper = preset("paper")
    table_6 = paper_table("table_6_architecture", "parameter")
    rows = {"layers": "layers", "width": "model_dim", "heads": "heads", "inner": "mlp_inner_dim"}
    for kind in ("slm", "llm"):
        assert paper["models"][kind] == {key: int(table_6.loc[row, kind.upper()]) for key, row in rows.items()}
        assert paper["pretrain"]["learning_rate"][kind] == float(table_6.loc["learning_rate", kind.upper()])
        assert paper["pretrain"]["warmup"][kind] == int(table_6.loc["linear_warmup_steps", kind.upper()])
    assert paper["pretrain"]["clip"] == float(table_6.loc["gradient_clipping_norm", "SLM"])

    hours = paper_table("table_2_throughput", "model")["generic_training"]  # of an A100, for 1G tokens
    table_8 = paper_table("table_8_perplexity_by_cost", "model")
    bought = [gpuh / hours["SLM"] * 1e9 for gpuh in sorted(table_8["gpuh"].unique())]
    assert paper["pretrain"]["budgets"] == pytest.approx(bought, rel=1e-3)
    relative = {"slm": "SLM", "llm": "LLM", "slm_mix": "SLM-mix", "slm_pn": "SLM-pn"}
    for kind, label in relative.items():
        assert paper["pretrain"]["relative_cost"][kind] == pytest.approx(hours[label] / hours["SLM"], rel=3e-3)
    for kind, label in relative.items():
        experts = paper["models"]["slm_mix"]["experts"] if kind == "slm_mix" else 1
        step = paper["pretrain"]["batch"][kind] * paper["context"] * experts
        rows = table_8.loc[label].query("gpuh <= 200")  # beyond, table 8 gives SLM-mix the steps of 216 GPU-hours
        steps = [gpuh / hours[label] * 1e9 / step for gpuh in rows["gpuh"]]
        near = 0.05 if kind == "llm" else 0.01  # its batch is a multiple of the micro-batch
        assert steps == pytest.approx([1e3 * thousands for thousands in rows["steps_thousands"]], rel=near)

    shares = paper_table("table_9_top_cluster_share", "domain")
    assert paper["domains"] == [domain for domain in shares.index if domain != "c4"]
    assert {int(column[1:]) for column in shares.columns} | {32} == set(paper["clusters"]["k"])
    main = paper_table("table_1_7_parameters", "model").query("main == 'yes'")["experts"]
    assert paper["models"]["slm_mix"]["experts"] == main["SLM-mix"]
    projection = paper["models"]["slm_pn"]
    assert {projection[key] for key in ("experts", "components", "rank")} == {main["SLM-pn"]}
    limit = paper_table("table_3_cost_limits", "model").loc["SLM", "specialization_64M_gpuh"]
    tuned = paper["specialize"]["max_steps"]["slm"][-1] * paper["specialize"]["batch"] * paper["context"]
    assert tuned == pytest.approx(limit / hours["SLM"] * 1e9, rel=0.1)


def test_the_paper_preset_has_the_sizes_that_the_papers_text_states() -> None:
    paper = preset("paper")
    assert (paper["tokenizer"]["vocabulary"], paper["context"]) == (32_000, 1024)
    assert paper["specialize"]["sizes"] == [1_000_000, 8_000_000, 64_000_000]
    documents = paper["documents"]
    assert documents["heldout"] == documents["valid"] + documents["test"] == 20_000

    def family(method: str, key: str) -> set[int]:
        changes = [variant["change"].get("models", {}) for variant in paper["ablations"] if variant["of"] == method]
        return {paper["models"][method][key], *(change[method][key] for change in changes if method in change)}

    experts = pd.read_csv(ROOT / "config/reference/paper/table_1_7_parameters.csv").groupby("model")["experts"]
    assert family("slm_pn", "experts") == set(experts.get_group("SLM-pn"))
    assert family("slm_mix", "experts") == set(experts.get_group("SLM-mix"))
    assert family("slm_is", "clusters") == {16, 64, 256, 1024}
    (adapters,) = [variant["change"] for variant in paper["ablations"] if variant["of"] == "llm"]
    assert adapters["specialize"]["lora"]["rank"] == 64


def test_every_value_of_the_paper_preset_has_an_origin() -> None:
    origins = {name: read_table(ROOT / f"config/{name}.tsv") for name in ("origins", "origins-paper")}
    assert origins["origins"]["key"].tolist() == origins["origins-paper"]["key"].tolist()
    assert set(origins["origins-paper"]["origin"]) == {"paper", "derived", "assumed"}


def plan(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "scripts/_plan.py", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


def test_the_plan_of_the_paper() -> None:
    """At the paper's own throughput: its hours, device time divided equally over the budgeted methods."""
    ended = plan("--preset", "paper", "--device", "A100")
    assert ended.returncode == 0, ended.stderr
    rows = {line.split()[0]: line.split()[1:] for line in ended.stdout.splitlines() if line and line[0] != " "}
    count, tokens, _, device, *_ = rows["pretrain_model"]
    assert (count, tokens) == ("28", "1.32T")  # (1 + 1/3.5 + 1 + 1/1.64) x 272.7G + 9 x 59.1G
    assert float(device.replace(",", "")) == pytest.approx(4 * 600 + 9 * 130, rel=0.01)
    assert "pretrain_model llm all" in ended.stdout
    assert "data/opensubtitles" in ended.stdout
    assert (
        "Read from the hub, or from the local mirror: Skylion007/openwebtext/plain_text, allenai/c4/en" in ended.stdout
    )


def test_a_preset_that_does_not_exist() -> None:
    ended = plan("--preset", "papr")
    assert ended.returncode == 1
    assert 'unknown preset "papr": did you mean "paper"?' in ended.stderr
    assert "Remedy: one of laptop, gpu, paper, smoke" in ended.stderr


def test_a_method_can_be_left_out() -> None:
    ended = dry_run("--config", "methods=['slm']")
    assert ended.returncode == 0, ended.stderr
    found = jobs(ended.stdout + ended.stderr)
    assert (found["pretrain_model"], found["specialize_model"], found.get("distill_model")) == (1, 3, None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("sead=3", r'config/config.yaml: unknown key "sead": did you mean "seeds"?'),
        ("context=many", "config/config.yaml: context: 'many' is not of type 'integer'"),
        ("methods=['slm_d']", "slm_d needs slm, which is not among the methods"),
        ("domain=sympy", 'own domain: domain: "sympy" is a domain of this study'),
        ("domain=no/such/folder", "own domain: licence: is not said"),
    ],
)
def test_a_bad_configuration_is_refused_before_anything_runs(change: str, message: str) -> None:
    ended = dry_run("--config", change)
    said = ended.stdout + ended.stderr
    assert ended.returncode != 0
    assert message in said
    assert "Remedy: " in said
    assert "Traceback" not in said


@pytest.mark.parametrize("target", ["specialize", "track", "report"])
def test_make_names_the_presets_there_are(target: str) -> None:
    command = ["make", "--assume-old=.venv/complete", target, "PRESET=nope"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode != 0
    assert 'there is no preset "nope"\nRemedy: take one of laptop gpu paper smoke' in ended.stderr
