"""The table: columns, what was reached, what could not be measured."""

from pathlib import Path

import pandas as pd
import pytest

from speclm.bench import table
from speclm.bench.estimate import Estimate
from speclm.bench.measurements import MEASUREMENTS
from speclm.bench.table import Measurement
from speclm.stage.files import read_table

MEASUREMENT = Measurement(
    "speed", lambda bench: {}, {"faster": ">= 1.5", "slower": ">= 1.5", "small": "<= 1.25", "gpu": ">= 0.5"}
)
FIGURES = {
    "faster": Estimate(1.5, 1.4, 1.6),
    "slower": Estimate(1.499, 1.4, 1.6),
    "small": Estimate(1.25, 1.25, 1.25),
    "gpu": None,
    "for information": Estimate(123456.7, 1.0, 2.0),
}


def test_the_file_has_a_row_for_each_figure_with_what_was_reached(tmp_path: Path) -> None:
    table.write(tmp_path / "bench.tsv", table.rows(MEASUREMENT, FIGURES))
    frame = read_table(tmp_path / "bench.tsv")
    assert list(frame.columns) == ["name", "value", "low", "high", "target", "reached"]
    assert frame["name"].tolist() == list(FIGURES)
    assert frame["reached"].fillna("").tolist() == ["yes", "no", "yes", "not measured", ""]
    assert frame["target"].fillna("").tolist() == [">= 1.5", ">= 1.5", "<= 1.25", ">= 0.5", ""]
    assert frame.loc[1, ["value", "low", "high"]].tolist() == [1.499, 1.4, 1.6]
    assert pd.isna(frame.loc[3, ["value", "low", "high"]]).all()


def test_the_printed_table_is_aligned() -> None:
    lines = table.text(table.rows(MEASUREMENT, FIGURES)).splitlines()
    assert len(lines) == 1 + len(FIGURES)
    column = lines[0].index("value")
    assert [line[column:].split()[0] for line in lines[1:]] == ["1.5", "1.499", "1.25", ">=", "123,457"]


def test_a_target_needs_its_figure() -> None:
    with pytest.raises(KeyError, match="small"):
        table.rows(MEASUREMENT, {name: FIGURES[name] for name in ("faster", "slower", "gpu")})


def test_measurements_have_names_of_their_own_and_targets_that_can_be_read() -> None:
    assert len({measurement.name for measurement in MEASUREMENTS}) == len(MEASUREMENTS)
    for measurement in MEASUREMENTS:
        for name in measurement.targets:
            [row] = table.rows(
                Measurement("one", measurement.measure, {name: measurement.targets[name]}), {name: Estimate(1, 1, 1)}
            )
            assert row["reached"] in ("yes", "no")
