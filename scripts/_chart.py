"""Draw the rules by stage for the guide: python scripts/_chart.py [FILE], when rules or their inputs change."""

import sys
from pathlib import Path

import _bootstrap  # noqa: F401
from speclm.stage.chart import draw_stages
from speclm.stage.files import write_text
from speclm.stage.graph import read_graph

ROOT = Path(__file__).resolve().parents[1]
TARGETS = "all", "results/laptop/tracking/runs.json"

if __name__ == "__main__":
    graphs = [read_graph(ROOT, [], target)[1] for target in TARGETS]
    output = Path(sys.argv[1]) if sys.argv[1:] else ROOT / "workflow/documentation/stages.svg"
    write_text(output, draw_stages(ROOT / "rules", graphs))
