"""Versions of the locks."""

from pathlib import Path

from speclm.study.pins import read_pins


def test_versions_by_package_in_the_order_of_the_locks(tmp_path: Path) -> None:
    (tmp_path / "lock.txt").write_text("numpy==2.4.6 \\\n    --hash=sha256:00\nJinja2==3.1.6 ; python_version > '3'\n")
    (tmp_path / "cpu.txt").write_text("torch==2.13.0+cpu \\\n")
    (tmp_path / "cuda.txt").write_text("torch==2.13.0 \\\nnumpy==2.4.6 \\\n")
    assert read_pins([tmp_path / "lock.txt", tmp_path / "cpu.txt", tmp_path / "cuda.txt"]) == {
        "Jinja2": ["3.1.6"],
        "numpy": ["2.4.6"],
        "torch": ["2.13.0+cpu", "2.13.0"],
    }
