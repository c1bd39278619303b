"""Tables and figures run in a light environment: no module of this room loads torch."""

import subprocess
import sys
from pathlib import Path

from unit.study.made_up import ROOT


def test_study_does_not_import_torch() -> None:
    modules = [f"speclm.study.{path.stem}" for path in sorted(Path(ROOT, "workflow/speclm/study").glob("[a-z]*.py"))]
    assert "speclm.study.figures" in modules
    code = f"import sys, {', '.join(modules)}; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT / "workflow", check=True, timeout=120)
