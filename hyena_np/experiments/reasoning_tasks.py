"""The small tasks and their sizes, and what is compared on them."""

from __future__ import annotations

from hyena_np.tasks.addition import AdditionTask
from hyena_np.tasks.counting import CountingTask, MajorityTask
from hyena_np.tasks.induction import InductionHeadTask
from hyena_np.tasks.linear_functions import LinearFunctionsTask

SEEDS = (0, 1, 2)
MEASURES = ("validation_loss", "test_score", "test_loss", "train_loss")
LAYERS = (1, 2, 3)  # of Hyena
TUNED_LAYERS = 2  # the learning rate is found with
ATTENTION_LAYERS = 2
DIGITS = "addition-"  # the number of digits follows

Task = MajorityTask | CountingTask | InductionHeadTask | LinearFunctionsTask | AdditionTask

# The paper gives the digits, and no other size: its preset has the defaults of the tasks.
TASKS: dict[str, dict[str, Task]] = {
    "laptop": {
        "majority": MajorityTask(10, 30),
        "counting": CountingTask(5, 20, 5),
        "induction": InductionHeadTask(20, 30),
        "functions": LinearFunctionsTask(2, 7),
        **{f"{DIGITS}{digits}": AdditionTask(digits) for digits in (2, 3, 4)},
    },
    "paper": {
        "majority": MajorityTask(),
        "counting": CountingTask(),
        "induction": InductionHeadTask(),
        "functions": LinearFunctionsTask(),
        **{f"{DIGITS}{digits}": AdditionTask(digits) for digits in (2, 4, 8, 16)},
    },
}


def task_of(settings: dict) -> Task:
    """The task of a run's settings."""
    fields = dict(settings["task"])
    kinds = {kind.__name__: kind for kind in Task.__args__}
    return kinds[fields.pop("kind")](**fields)
