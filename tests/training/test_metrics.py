"""The metrics file: rows that survive a kill, neither lost nor doubled on resuming."""

import csv
import errno
import math
from pathlib import Path

import numpy as np
import pytest

from hyena_np.errors import CheckpointError, OutputError
from hyena_np.training.metrics import MetricsFile, Record, last_record, read_metrics

RECORDS = [
    Record(1, 3.0, 1e-3, 0.1 + 0.2, None, 0.01),
    Record(2, math.pi, 2e-3, 5e-324, 0.5, 0.02),
    Record(3, 1e300, 1 / 3, 0.0, 0.0, 12345.678901234567, 0.1),
]


EARLIER = ["step", "loss", "learning_rate", "gradient_norm", "accuracy", "seconds"]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "metrics.csv"


def written(path, records=RECORDS):
    file = MetricsFile(path)
    for record in records:
        file.append(record)
    return path


class TestWriting:
    def test_comes_back_to_the_last_bit(self, path):
        assert read_metrics(written(path)) == RECORDS
        assert read_metrics(str(path)) == RECORDS

    def test_is_a_csv_file_with_a_header_that_other_programs_read(self, path):
        with written(path).open(newline="") as file:
            rows = list(csv.reader(file))
        assert rows[0] == [*EARLIER, "validation_loss"]
        assert [row[0] for row in rows[1:]] == ["1", "2", "3"]
        assert [row[4] for row in rows[1:]] == ["", "0.5", "0.0"]
        assert [row[6] for row in rows[1:]] == ["", "", "0.1"]

    def test_a_row_is_on_disk_when_append_returns(self, path):
        file = MetricsFile(path)
        assert read_metrics(path) == []
        for n, record in enumerate(RECORDS, start=1):
            file.append(record)
            assert read_metrics(path) == RECORDS[:n]

    def test_numbers_of_numpy_are_numbers(self, path):
        file = MetricsFile(path)
        file.append(Record(np.int64(4), np.float64(0.1), 1e-3, np.float64(2.0), np.float64(0.25), 1.0))
        assert read_metrics(path) == [Record(4, 0.1, 1e-3, 2.0, 0.25, 1.0)]

    def test_a_folder_that_is_not_there(self, tmp_path):
        with pytest.raises(OutputError, match=r"missing/metrics\.csv: cannot be written"):
            MetricsFile(tmp_path / "missing" / "metrics.csv")

    def test_a_disk_that_fills_up(self, path, monkeypatch):
        file = MetricsFile(path)

        def full(self, *args, **kwargs):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(Path, "open", full)
        with pytest.raises(OutputError, match=r"metrics\.csv: cannot be written \(No space left on device\)"):
            file.append(RECORDS[0])


class TestResuming:
    @pytest.mark.parametrize("step", [1, 2, 3, 100])
    def test_keeps_the_rows_up_to_the_step_and_goes_on_after_them(self, path, step):
        file = MetricsFile(written(path), resume_at=step)
        kept = [record for record in RECORDS if record.step <= step]
        assert read_metrics(path) == kept
        file.append(RECORDS[0])
        assert read_metrics(path) == [*kept, RECORDS[0]]

    def test_a_new_run_begins_a_new_file(self, path):
        MetricsFile(written(path))
        assert read_metrics(path) == []

    def test_a_file_that_is_not_there_has_no_rows(self, path):
        MetricsFile(path, resume_at=5)
        assert read_metrics(path) == []

    def test_a_kill_within_a_row_at_any_byte(self, path):
        """Whole rows stay; the half one, which a resumed run writes again, goes."""
        whole = written(path).read_bytes()
        last = whole.rindex(b"\n", 0, -1) + 1
        for cut in range(last, len(whole) - 2):
            path.write_bytes(whole[:cut])
            assert read_metrics(path) == RECORDS[:2], cut
            file = MetricsFile(path, resume_at=100)
            file.append(RECORDS[2])
            assert read_metrics(path) == RECORDS, cut

    def test_a_file_without_validation_losses_is_one_of_an_earlier_version(self, path):
        text = f"{','.join(EARLIER)}\r\n1,3.0,0.001,0.3,,0.01\r\n2,2.5,0.001,0.2,0.5,0.02\r\n"
        path.write_text(text, newline="")
        expected = [Record(1, 3.0, 1e-3, 0.3, None, 0.01), Record(2, 2.5, 1e-3, 0.2, 0.5, 0.02)]
        assert read_metrics(path) == expected
        MetricsFile(path, resume_at=2).append(RECORDS[2])
        assert read_metrics(path) == [*expected, RECORDS[2]]

    def test_leaves_no_other_file(self, path):
        MetricsFile(written(path), resume_at=2)
        assert [entry.name for entry in path.parent.iterdir()] == ["metrics.csv"]

    @pytest.mark.parametrize(
        "content",
        [
            b"step,loss\r\n1,2.0\r\n",
            b"a shopping list\nmilk\n",
            b"step,loss,learning_rate,gradient_norm,accuracy,seconds\none,2,3,4,5,6\n",
            b"step,loss,learning_rate,gradient_norm,accuracy,seconds\n1,2,3\n",
            b"step,loss,learning_rate,gradient_norm,accuracy,seconds,validation_loss\n1,2,3,4,5,6\n",
            b"\xff\xfe\x00\x01\n\n",
            b"\x00" * 20 + b"\n1\n",
        ],
    )
    def test_a_file_that_is_no_metrics_file_is_not_overwritten(self, path, content):
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match=r"metrics\.csv: is damaged or no metrics file"):
            MetricsFile(path, resume_at=1)
        assert path.read_bytes() == content


class TestLastRecord:
    def test_is_the_last_of_all_however_many_there_are(self, path):
        assert last_record(path) is None
        file = MetricsFile(path)
        assert last_record(path) is None
        for step in range(1, 300):
            file.append(RECORDS[2]._replace(step=step))
            assert last_record(path) == read_metrics(path)[-1]
        assert path.stat().st_size > 4096

    def test_a_half_written_row_does_not_count(self, path):
        whole = written(path).read_bytes()
        for cut in range(len(whole)):
            path.write_bytes(whole[:cut])
            records = read_metrics(path)
            assert last_record(path) == (records[-1] if records else None), cut

    def test_something_else_is_called_so(self, path):
        path.write_text("a,b\n1,2\n")
        with pytest.raises(CheckpointError, match="is damaged or no metrics file"):
            last_record(path)
