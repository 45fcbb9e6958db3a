"""A progress bar that moves on with the records of a training."""

from __future__ import annotations

from tqdm import tqdm

from hyena_np.training.metrics import Record


class StepBar(tqdm):
    """Steps, rate and remaining time of a training; a subclass says what else is shown."""

    n: int

    def __init__(self, total: int, shown: bool) -> None:
        super().__init__(total=total, unit="step", disable=not shown, dynamic_ncols=True, mininterval=0.2)

    def show(self, record: Record) -> None:
        """Move on to a record."""
        if self.n == 0:  # a resumed run does not start at zero, and its rate counts from where it did
            self.n = self.last_print_n = self.initial = record.step - 1
        self.set_postfix_str(self.numbers(record), refresh=False)
        self.update(record.step - self.n)

    def numbers(self, record: Record) -> str:
        """What is shown of a record."""
        return f"loss {record.loss:.3f}"
