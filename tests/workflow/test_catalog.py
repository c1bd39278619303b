"""What catalogues, archives and citing authors read: the files are there, agree, and say what is so."""

import hashlib
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

import speclm

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text())
APACHE_2 = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"  # apache.org/licenses/LICENSE-2.0.txt


def test_the_catalogs_standard_usage() -> None:
    """A Snakefile in workflow/, an explained configuration, and a description with the keys that the catalog knows."""
    assert 'include: "../Snakefile"' in (ROOT / "workflow/Snakefile").read_text()
    assert 'configfile: "config/config.yaml"' in (ROOT / "Snakefile").read_text()
    assert len((ROOT / "config/README.md").read_text()) > 1000
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert set(usage) == {"mandatory-flags", "software-stack-deployment", "report"}
    assert set(usage["mandatory-flags"]) == {"desc", "flags"}
    assert set(usage["software-stack-deployment"]) == {"conda", "apptainer"}


def test_what_the_catalog_is_told_is_so() -> None:
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    rules = "".join(path.read_text() for path in (ROOT / "rules").glob("*.smk"))
    bodies = re.findall(r"^rule \w+:\n.*?(?=^\S|\Z)", rules, flags=re.M | re.S)
    everywhere = all(re.search(r"^    conda:\n", body, flags=re.M) for body in bodies)
    assert usage["software-stack-deployment"]["conda"] is everywhere is True
    containers = re.search(r"^ *container(?:ized)?:", rules + (ROOT / "Snakefile").read_text(), flags=re.M)
    assert usage["software-stack-deployment"]["apptainer"] is bool(containers)
    assert usage["report"] is bool(re.search(r"=report\(", rules)) is True


def test_it_runs_as_a_module_from_a_clone(tmp_path: Path) -> None:
    """As the catalogue's users have it: a Snakefile of their own, and a copy of the configuration."""
    (tmp_path / "config").mkdir()
    for path in (ROOT / "config").glob("*.yaml"):
        shutil.copyfile(path, tmp_path / "config" / path.name)
    (tmp_path / "Snakefile").write_text(
        'configfile: "config/config.yaml"\n'
        f'module speclm:\n    snakefile: "{ROOT}/workflow/Snakefile"\n    config: config\n'
        "use rule * from speclm\n"
    )
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--dry-run", "--quiet", "rules", "--", "all"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-2000:]
    assert re.search(r"^write_report +1$", ended.stdout + ended.stderr, flags=re.M)


def test_one_version() -> None:
    (newest,) = re.findall(r"^## (\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(), flags=re.M)[:1]
    assert newest == PROJECT["version"] == CITATION["version"] == speclm.__version__


def test_one_licence() -> None:
    assert hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest() == APACHE_2
    assert PROJECT["license"] == CITATION["license"] == "Apache-2.0"


def test_the_citation_names_the_paper() -> None:
    """The keys that version 1.2.0 of the format requires, and the paper that this implements."""
    assert CITATION["cff-version"] == "1.2.0"
    assert {"message", "title", "authors", "type"} <= set(CITATION)
    paper = CITATION["preferred-citation"]
    assert [author["family-names"] for author in paper["authors"]] == ["Grangier", "Katharopoulos", "Ablin", "Hannun"]
    assert (paper["type"], paper["year"]) == ("article", 2024)
    assert paper["url"].endswith("2402.01093") and paper["doi"] == "10.48550/arXiv.2402.01093"
