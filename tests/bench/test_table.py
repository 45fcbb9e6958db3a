"""Rows that are written are the rows that are read, on the same machine only."""

import csv

import pytest

from hyena_np.bench.cases import BOTH, Case
from hyena_np.bench.table import Row, heading, line, read_rows, write_rows
from hyena_np.errors import ConfigError, OutputError

MACHINE = {"processor": "Abacus: the second", "cores": "2", "BLAS": "none 1.0, some 2.0"}
FULL = Row(BOTH, 2, 1024, 64, 3, 2, "PyTorch eager", 0.5, 0.25, 0.75, 7, 2.0, 3.5, 2**24, 32.0, 31.5, 1.5e-6)
SPARE = Row(BOTH, 1, 64, 64, 2, 1, "floor", 2e-5, 1e-5, 3e-5, 9, 0.5, 1.0, None, None, None, None)


def test_round_trip(tmp_path):
    path = write_rows(tmp_path / "results.csv", MACHINE, [FULL, SPARE])
    assert read_rows(path, MACHINE) == [FULL, SPARE]
    assert FULL.key == (Case(BOTH, 2, 1024, 64, 3), 2, "PyTorch eager")


def test_the_file_is_plain_csv_below_comments_and_absent_numbers_are_empty(tmp_path):
    path = write_rows(tmp_path / "results.csv", MACHINE, [FULL, SPARE])
    lines = path.read_text().splitlines()
    assert lines[:3] == ["# processor: Abacus: the second", "# cores: 2", "# BLAS: none 1.0, some 2.0"]
    full, spare = csv.DictReader(lines[3:])
    assert list(full) == [
        "kind", "B", "L", "D", "order", "threads", "contender", "seconds_median", "seconds_low",
        "seconds_high", "repeats", "ratio_to_ours", "ratio_to_floor", "peak_bytes", "peak_multiple",
        "predicted_multiple", "max_error",
    ]  # fmt: skip
    assert full["contender"] == "PyTorch eager" and float(full["max_error"]) == 1.5e-6
    assert spare["peak_bytes"] == spare["max_error"] == ""


def test_rows_of_another_machine_are_refused(tmp_path):
    path = write_rows(tmp_path / "results.csv", MACHINE, [FULL])
    with pytest.raises(ConfigError, match=r"resume: .* cores was '2' and is '4'"):
        read_rows(path, MACHINE | {"cores": "4"})
    with pytest.raises(ConfigError, match=r"torch was None and is '2\.0'"):
        read_rows(path, MACHINE | {"torch": "2.0"})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("seconds_low", "seconds_least"), "is no table"),
        (lambda text: text[: text.index("kind,")], "is no table"),
        (lambda text: text.replace("0.25", "a quarter"), "is damaged"),
        (lambda text: text.replace(",1024,", ",,"), "is damaged"),
        (lambda text: text[:-40], "is damaged"),
    ],
    ids=["another column", "no rows", "no number", "no length", "cut off"],
)
def test_a_damaged_file_is_said_to_be_one(tmp_path, change, message):
    path = write_rows(tmp_path / "results.csv", MACHINE, [FULL])
    path.write_text(change(path.read_text()))
    with pytest.raises(OutputError, match=message):
        read_rows(path, MACHINE)


def test_a_file_that_cannot_be_read(tmp_path):
    (tmp_path / "results.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(OutputError, match="cannot be read"):
        read_rows(tmp_path / "results.csv", MACHINE)


def test_the_table_on_the_terminal():
    assert heading(MACHINE)[:2] == ["processor: Abacus: the second", "cores: 2"]
    columns = heading(MACHINE)[-1]
    shown = line(FULL)
    for word in (
        "(2, 1024, 64)",
        "PyTorch eager",
        "500 ms",
        "250 ms .. 750 ms",
        "2.00",
        "3.50",
        "32.0",
        "1.5e-06",
    ):
        assert word in shown
    assert len(shown) == len(line(SPARE)) == len(columns)
    assert "20 us" in line(SPARE)
    assert "75 s" in line(FULL._replace(seconds_median=75.0))
