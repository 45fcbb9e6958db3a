"""The demo as a whole: what it leaves, how it goes on after a kill, and what it never overwrites."""

import csv
import json
import os
import re
import shutil
import signal
import time
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.image import imread

from hyena_np import get_backend
from hyena_np.demo import run as run_module
from hyena_np.demo.ladder import climb
from hyena_np.demo.recipe import TARGET, RecallData, RecallRecipe
from hyena_np.models.params import tree_leaves
from hyena_np.training.checkpoint import load_checkpoint
from hyena_np.training.loop import TrainResult, initial_state
from support.command import TINY, assert_one_line, command, finish, start

FIGURES = {
    "ladder.png",
    "learning_curve.png",
    "filters_layer_1.png",
    "filters_layer_2.png",
    "hyena_matrix.png",
}
FILES = FIGURES | {"checkpoint.safetensors", "metrics.csv", "result.json", "run.json"}
RUNG_NAMES = ["loop", "toeplitz", "fft", "operator", "hyena_matrix", "adjoint", "gradient", "fast"]
STEPS = 6


def names(folder):
    return {path.name for path in folder.iterdir()}


def contents(folder):
    """Every file below a folder with its bytes: what must not change."""
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def load(folder):
    return load_checkpoint(folder / "checkpoint.safetensors", get_backend("numpy"))


def read_rows(folder):
    with (folder / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A short demo in a process of its own, from a folder without the package, into a nested folder."""
    cwd = tmp_path_factory.mktemp("elsewhere")
    ended = finish(start("demo", *TINY, "--steps", STEPS, "--seed", 5, "--out", "a/b/run", cwd=cwd))
    assert ended.status == 0, ended.err
    return cwd / "a" / "b" / "run", ended


@pytest.fixture
def finished(whole, tmp_path):
    """A copy of a finished run."""
    return shutil.copytree(whole[0], tmp_path / "finished")


@pytest.fixture
def no_figures(monkeypatch):
    """Figures take most of the time of a short run."""
    monkeypatch.setattr(run_module, "draw_figures", lambda *args: [])


@pytest.fixture
def no_work(monkeypatch):
    """Whatever is refused has to be refused before anything is computed."""

    def work(*args, **kwargs):
        raise AssertionError("the demo began")

    monkeypatch.setattr(run_module, "climb_ladder", work)
    monkeypatch.setattr(run_module, "train", work)


# --- what a run leaves --------------------------------------------------------------------------------------


def test_all_files_are_there_and_nothing_else(whole):
    folder, _ = whole
    assert names(folder) == FILES
    assert names(folder.parents[2]) == {"a"}


def test_the_result(whole):
    folder, _ = whole
    result = json.loads((folder / "result.json").read_text())
    assert list(result["ladder"]) == RUNG_NAMES
    assert result["ladder"] == {rung.name: rung.error for rung in climb(5)}
    assert 0 <= result["test_accuracy"] <= 1
    assert result["steps"] == STEPS
    assert 0 < result["train_seconds"] < 300
    assert result["seed"] == 5
    assert result["backend"] == "numpy"
    assert result["versions"]["numpy"] == np.__version__


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_a_figure_shows_something(whole, name):
    image = imread(whole[0] / name)
    assert min(image.shape[:2]) > 300
    assert len(np.unique(image[..., :3] @ [1.0, 256.0, 65536.0])) > 50


def test_the_metrics_have_a_row_for_every_step(whole):
    rows = read_rows(whole[0])
    assert [int(row["step"]) for row in rows] == list(range(1, STEPS + 1))
    assert all(float(row["loss"]) > 0 and float(row["gradient_norm"]) > 0 for row in rows)
    assert 0 <= float(rows[-1]["accuracy"]) <= 1
    seconds = [float(row["seconds"]) for row in rows]
    assert seconds == sorted(seconds)


def test_the_checkpoint_holds_the_model_that_was_tested(whole):
    folder, _ = whole
    checkpoint = load(folder)
    recipe = RecallRecipe(vocab=8, length=16, steps=STEPS, seed=5)
    assert checkpoint.step == STEPS
    assert checkpoint.config == recipe.describe(get_backend("numpy"))
    data = RecallData(recipe)
    result = json.loads((folder / "result.json").read_text())
    assert data.accuracy(checkpoint.params, data.test) == result["test_accuracy"]


def test_training_changed_every_array_that_is_trained(whole):
    """Only the tables of positions and decay rates may stay as they began."""
    recipe = RecallRecipe(vocab=8, length=16, steps=STEPS, seed=5)
    before = tree_leaves(initial_state(recipe.model, recipe.training, get_backend("numpy")).params)
    after = tree_leaves(load(whole[0]).params)
    assert after.keys() == before.keys()
    unchanged = {name for name in before if np.array_equal(before[name], after[name])}
    assert all(re.search(r"\.(positional|window)\.", name) for name in unchanged)


def test_it_says_what_it_did_what_it_wrote_and_what_to_open_next(whole):
    _, ended = whole
    text = ended.out
    for name in RUNG_NAMES:
        assert re.search(rf"^ +{name} .* \d\.\de-\d\d +ok$", text, re.MULTILINE)
    assert re.search(r"\d+\.\d% of 500 unseen examples", text)
    (written,) = re.findall(r"^Written to a/b/run/: (.*)$", text, re.MULTILINE)
    assert set(written.split(", ")) == FILES
    *_, after = text.partition("Written to")
    assert re.search(
        r"^Open .*learning_curve\.png.*notebooks/05_learning_to_recall\.ipynb", after, re.MULTILINE
    )
    assert "hyena_matrix.png" in after.splitlines()[1]


def test_the_bar_shows_steps_rate_remaining_time_loss_and_accuracy(whole):
    _, ended = whole
    assert f"0/{STEPS}" in ended.err
    last = ended.err.rstrip("\n").rpartition("\r")[2]
    assert f"{STEPS}/{STEPS}" in last
    assert re.search(r"\d\d:\d\d<\d\d:\d\d", last)
    assert re.search(r"\d(step/s|s/step)", last)
    assert re.search(r"loss \d+\.\d+, accuracy \d+\.\d%", last)
    assert ended.err.count("\n") == 1  # of the bar


def test_what_is_said_goes_to_standard_output_and_the_bar_alone_to_standard_error(whole):
    _, ended = whole
    assert "step/s" not in ended.out
    assert "ladder" not in ended.err


@pytest.mark.usefixtures("no_figures")
def test_quiet_says_nothing_and_writes_the_same(capfd, whole, tmp_path):
    ended = command(
        capfd, "demo", *TINY, "--steps", STEPS, "--seed", 5, "--quiet", "--out", tmp_path / "quiet"
    )
    assert ended == (0, "", "")
    assert names(tmp_path / "quiet") == FILES - FIGURES
    assert_same_weights(load(tmp_path / "quiet"), load(whole[0]))


@pytest.mark.usefixtures("no_figures")
@pytest.mark.parametrize(
    "backend",
    [
        "torch",
        pytest.param("array_api_strict", marks=pytest.mark.slow),
        pytest.param("cupy", marks=pytest.mark.gpu),
    ],
)
def test_another_library_starts_alike_and_is_named_in_the_result(capsys, whole, tmp_path, backend, _gpu):
    pytest.importorskip(backend, reason=f"{backend} is not installed")
    ended = command(
        capsys, "demo", *TINY, "--steps", STEPS, "--seed", 5, "--backend", backend, "--out", tmp_path
    )
    assert ended.status == 0
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["backend"] == backend
    assert any(name.replace("-", "_").startswith(backend) for name in result["versions"])
    first, expected = read_rows(tmp_path)[0], read_rows(whole[0])[0]
    assert float(first["loss"]) == pytest.approx(float(expected["loss"]), rel=1e-4)


# --- the accuracy that is promised --------------------------------------------------------------------------


@pytest.mark.slow
def test_the_default_demo_learns_to_recall(tmp_path):
    ended = finish(start("demo", cwd=tmp_path))
    assert ended.status == 0, ended.err
    folder = tmp_path / "hyena-demo"
    assert names(folder) == FILES
    result = json.loads((folder / "result.json").read_text())
    assert result["test_accuracy"] >= TARGET == 0.99
    assert (result["vocab"], result["length"], result["seed"]) == (20, 64, 0)
    assert result["steps"] == len(read_rows(folder))


@pytest.mark.slow
@pytest.mark.gpu
def test_the_default_demo_learns_to_recall_on_a_gpu(tmp_path):
    ended = finish(start("demo", "--backend", "cupy", cwd=tmp_path))
    assert ended.status == 0, ended.err
    assert json.loads((tmp_path / "hyena-demo" / "result.json").read_text())["test_accuracy"] >= TARGET


@pytest.fixture
def untaught(monkeypatch):
    """Training that leaves the model as it began."""

    def train(model, config, backend, *args):
        return TrainResult(initial_state(model, config, backend), interrupted=False)

    monkeypatch.setattr(run_module, "train", train)


@pytest.mark.usefixtures("no_figures", "untaught")
def test_a_recipe_that_misses_the_target_is_status_one(capsys, tmp_path):
    ended = command(capsys, "demo", *TINY, "--quiet", "--out", tmp_path / "out")
    assert_one_line(ended, 1, "99%")


@pytest.mark.usefixtures("no_figures", "untaught")
def test_steps_that_the_user_chose_may_miss_the_target(capsys, tmp_path):
    ended = command(capsys, "demo", *TINY, "--steps", 1, "--out", tmp_path / "out")
    assert ended.status == 0
    assert "less than 99%" in ended.out


# --- killed, interrupted, resumed ---------------------------------------------------------------------------

CHECKPOINT_OFTEN = """
import time
from dataclasses import replace
from hyena_np.demo.recipe import RecallData, RecallRecipe
training, sample = RecallRecipe.training.fget, RecallData.sample
def slowly(self, rng, step):
    time.sleep(0.05)  # the one who watches is not always quick
    return sample(self, rng, step)
RecallData.sample = slowly
RecallRecipe.training = property(lambda self: replace(training(self), checkpoint_every=5, eval_every=5))
from hyena_np.cli import main
main()
"""
LONG = (*TINY, "--steps", 24, "--seed", 7)


def checkpoint_often(patch):
    """In this process what CHECKPOINT_OFTEN does in another."""
    training = RecallRecipe.training.fget
    often = property(lambda self: replace(training(self), checkpoint_every=5, eval_every=5))
    patch.setattr(RecallRecipe, "training", often)


@pytest.fixture
def frequent_checkpoints(monkeypatch):
    checkpoint_often(monkeypatch)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """What a run comes to that nothing stopped."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    recipe = RecallRecipe(vocab=8, length=16, steps=24, seed=7)
    with pytest.MonkeyPatch.context() as patch:
        checkpoint_often(patch)
        patch.setattr(run_module, "draw_figures", lambda *args: [])
        run_module.run_demo(recipe, get_backend("numpy"), folder, echo=lambda line: None, bar=False)
    return folder


def stop_amid(cwd, number):
    """Start a run, and send it a signal when it is past a checkpoint and between two others."""
    process = start("demo", *LONG, "--out", "run", cwd=cwd, code=CHECKPOINT_OFTEN)
    metrics, deadline = cwd / "run" / "metrics.csv", time.monotonic() + 120
    while not metrics.exists() or metrics.read_text().count("\n") < 9:
        assert process.poll() is None, finish(process)
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(number)
    return finish(process), cwd / "run"


def assert_same_weights(one, other):
    """Bit for bit, the optimiser's too."""
    assert one.step == other.step
    for part, ours, theirs in (
        ("params", one.params, other.params),
        ("mean", one.optimizer.mean, other.optimizer.mean),
        ("square", one.optimizer.square, other.optimizer.square),
    ):
        ours, theirs = tree_leaves(ours), tree_leaves(theirs)
        assert ours.keys() == theirs.keys()
        for name in ours:
            np.testing.assert_array_equal(ours[name], theirs[name], err_msg=f"{part}: {name}")


def assert_ends_as_if_nothing_had_happened(capsys, folder, uninterrupted):
    ended = command(capsys, "demo", "--resume", "--out", folder)
    assert ended.status == 0, ended.err
    assert_same_weights(load(folder), load(uninterrupted))
    assert load(folder).rng_state == load(uninterrupted).rng_state
    ours, theirs = (
        [{name: value for name, value in row.items() if name != "seconds"} for row in read_rows(path)]
        for path in (folder, uninterrupted)
    )
    assert ours == theirs
    one, other = (json.loads((path / "result.json").read_text()) for path in (folder, uninterrupted))
    assert one["test_accuracy"] == other["test_accuracy"]
    assert names(folder) == names(uninterrupted)  # no temporary files


@pytest.mark.usefixtures("no_figures", "frequent_checkpoints")
def test_a_killed_run_goes_on_to_the_same_weights(capsys, tmp_path, uninterrupted):
    ended, folder = stop_amid(tmp_path, signal.SIGKILL)
    assert ended.status == -signal.SIGKILL
    assert 5 <= load(folder).step < 24
    assert "result.json" not in names(folder)
    assert_ends_as_if_nothing_had_happened(capsys, folder, uninterrupted)


@pytest.mark.usefixtures("no_figures", "frequent_checkpoints")
def test_ctrl_c_stops_cleanly_and_the_run_goes_on_to_the_same_weights(capsys, tmp_path, uninterrupted):
    ended, folder = stop_amid(tmp_path, signal.SIGINT)
    assert ended.status == 130
    bar, _, message = ended.err.rpartition("hyena-np: ")
    assert re.fullmatch(r"stopped; 'hyena-np demo --resume --out run' goes on\n", message)
    assert bar.endswith("\n")
    assert bar.count("\n") == 1
    assert "Traceback" not in ended.err
    # The last whole step, not the last regular checkpoint: of step 8, the row was there.
    assert 7 <= load(folder).step < 24
    assert "result.json" not in names(folder)
    assert_ends_as_if_nothing_had_happened(capsys, folder, uninterrupted)


@pytest.mark.usefixtures("no_figures", "frequent_checkpoints")
def test_a_run_that_was_killed_before_its_first_checkpoint_starts_anew(capsys, tmp_path, uninterrupted):
    folder = tmp_path / "early"
    folder.mkdir()
    shutil.copy(uninterrupted / "run.json", folder)
    (folder / "metrics.csv").write_text("step,loss,learning_rate,gradient_norm,accuracy,seconds\n1,9.9,")
    assert_ends_as_if_nothing_had_happened(capsys, folder, uninterrupted)


@pytest.mark.parametrize("where", ["climb_ladder", "draw_figures"])
def test_ctrl_c_outside_training_stops_cleanly(capsys, monkeypatch, tmp_path, where):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(run_module, where, interrupt)
    ended = command(capsys, "demo", *TINY, "--steps", 2, "--quiet", "--out", tmp_path / "my run")
    assert_one_line(ended, 130, "stopped")
    began = where == "draw_figures"
    assert ("--resume" in ended.err) == began  # where nothing began, there is nothing to resume
    if began:
        assert f"--resume --out '{tmp_path / 'my run'}'" in ended.err  # as a shell needs it
        monkeypatch.setattr(run_module, where, lambda *args: [])
        assert command(capsys, "demo", "--resume", "--out", tmp_path / "my run").status == 0
        assert load(tmp_path / "my run").step == 2


# --- resuming what is finished ------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_work")
def test_a_finished_run_says_so_and_is_left_alone(capsys, finished):
    before = contents(finished)
    result = json.loads((finished / "result.json").read_text())
    ended = command(capsys, "demo", "--resume", "--out", finished)
    assert (ended.status, ended.err) == (0, "")
    assert "finished" in ended.out
    assert f"{result['test_accuracy']:.1%}" in ended.out
    assert contents(finished) == before


@pytest.mark.usefixtures("no_work")
def test_a_finished_run_says_nothing_when_quiet(capsys, finished):
    assert command(capsys, "demo", "--resume", "--quiet", "--out", finished) == (0, "", "")


@pytest.mark.parametrize("result", [None, "", "{}", '{"test_accuracy": null}', "[1]"])
@pytest.mark.usefixtures("no_figures")
def test_a_run_without_a_readable_result_is_tested_again(capsys, finished, result):
    expected = json.loads((finished / "result.json").read_text())
    checkpoint = (finished / "checkpoint.safetensors").read_bytes()
    (finished / "result.json").unlink()
    if result is not None:
        (finished / "result.json").write_text(result)
    ended = command(capsys, "demo", "--resume", "--out", finished)
    assert ended.status == 0, ended.err
    again = json.loads((finished / "result.json").read_text())
    assert again["test_accuracy"] == expected["test_accuracy"]
    assert again["train_seconds"] == pytest.approx(expected["train_seconds"], abs=1e-3)
    assert (finished / "checkpoint.safetensors").read_bytes() == checkpoint


# --- resuming what cannot be resumed ------------------------------------------------------------------------


@pytest.fixture
def stopped(finished):
    """A run that has still to come to its result."""
    (finished / "result.json").unlink()
    return finished


CONTRADICTIONS = {
    "vocab": (20, "8"),
    "length": (64, "16"),
    "seed": (0, "5"),
    "steps": (300, "6"),
    "backend": ("array_api_strict", "numpy"),
}


@pytest.mark.parametrize("option", CONTRADICTIONS)
@pytest.mark.usefixtures("no_work")
def test_resuming_takes_no_other_values(capsys, stopped, option):
    asked, recorded = CONTRADICTIONS[option]
    before = contents(stopped)
    ended = command(capsys, "demo", "--resume", "--out", stopped, f"--{option}", asked)
    assert_one_line(ended, 2, option, str(asked), recorded)
    assert contents(stopped) == before


@pytest.mark.usefixtures("no_figures")
def test_resuming_takes_the_same_values_said_again(capsys, stopped):
    ended = command(
        capsys, "demo", "--resume", *TINY, "--seed", 5, "--steps", 6, "--backend", "numpy", "--out", stopped
    )
    assert ended.status == 0, ended.err


@pytest.mark.usefixtures("no_work")
def test_the_steps_of_the_recipe_are_the_same_steps_said_aloud(tmp_path):
    from hyena_np.demo.folder import begin_run, open_folder

    recipe = RecallRecipe(vocab=8, length=16)
    begin_run(tmp_path, recipe, "numpy")
    said = {"vocab": None, "length": None, "seed": None, "steps": recipe.total_steps, "backend": None}
    assert open_folder(tmp_path, said, resume=True, overwrite=False) == (recipe, "numpy")


@pytest.mark.usefixtures("no_work")
def test_there_is_nothing_to_resume_in_a_folder_without_a_run(capsys, tmp_path):
    for folder in (tmp_path, tmp_path / "absent"):
        assert_one_line(command(capsys, "demo", "--resume", "--out", folder), 2, "no run", str(folder))
    assert list(tmp_path.iterdir()) == []


DESCRIPTIONS = {
    "empty": b"",
    "no-json": b"{'vocab': 8",
    "no-text": b"\xff\xfe\x00",
    "a-list": b"[]",
    "a-number": b"8",
    "nothing": b"{}",
    "unknown-field": b'{"vocab": 8, "length": 16, "seed": 5, "steps": 6, "batch": 1, "backend": "numpy"}',
    "odd-vocab": b'{"vocab": 7, "length": 16, "seed": 5, "steps": 6, "backend": "numpy"}',
    "text-for-a-number": b'{"vocab": "8", "length": 16, "seed": 5, "steps": 6, "backend": "numpy"}',
    "unknown-backend": b'{"vocab": 8, "length": 16, "seed": 5, "steps": 6, "backend": "jax"}',
    "no-backend": b'{"vocab": 8, "length": 16, "seed": 5, "steps": 6, "backend": ""}',
    "a-list-for-a-backend": b'{"vocab": 8, "length": 16, "seed": 5, "steps": 6, "backend": []}',
}


@pytest.mark.parametrize("description", DESCRIPTIONS)
@pytest.mark.usefixtures("no_work")
def test_a_damaged_description_of_a_run(capsys, stopped, description):
    (stopped / "run.json").write_bytes(DESCRIPTIONS[description])
    before = contents(stopped)
    assert_one_line(command(capsys, "demo", "--resume", "--out", stopped), 2)
    assert contents(stopped) == before


def test_a_description_that_is_a_folder(capsys, stopped):
    (stopped / "run.json").unlink()
    (stopped / "run.json").mkdir()
    assert_one_line(command(capsys, "demo", "--resume", "--out", stopped), 2, "run.json")


def truncate(path):
    path.write_bytes(path.read_bytes()[:-1000])


def flip(path):
    content = bytearray(path.read_bytes())
    content[-1000] ^= 1
    path.write_bytes(content)


def replace_by_text(path):
    path.write_text("not a checkpoint")


def of_another_run(path):
    description = json.loads((path.parent / "run.json").read_text()) | {"seed": 6}
    (path.parent / "run.json").write_text(json.dumps(description))


@pytest.mark.parametrize("damage", [truncate, flip, replace_by_text, of_another_run])
def test_a_damaged_checkpoint(capsys, stopped, damage):
    damage(stopped / "checkpoint.safetensors")
    before = contents(stopped)
    ended = command(capsys, "demo", "--resume", "--quiet", "--out", stopped)
    assert_one_line(ended, 2, "checkpoint.safetensors")
    assert contents(stopped) == before


# --- never overwritten unasked ------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_work")
def test_another_run_is_not_overwritten_unasked(capsys, finished):
    before = contents(finished)
    ended = command(capsys, "demo", "--out", finished)
    assert_one_line(ended, 2, "another run", "--resume", "--overwrite", "--out")
    assert contents(finished) == before


@pytest.mark.parametrize("flags", [[], ["--overwrite"]], ids=["plain", "overwrite"])
@pytest.mark.parametrize("name", ["thesis.tex", ".git", "result.json", "checkpoint.safetensors"])
@pytest.mark.usefixtures("no_work")
def test_files_of_others_are_never_overwritten(capsys, tmp_path, flags, name):
    """`--overwrite` replaces a run, and what is no run it does not know."""
    (tmp_path / name).write_text("mine")
    ended = command(capsys, "demo", *flags, "--out", tmp_path)
    assert_one_line(ended, 2, "holds", str(tmp_path))
    assert contents(tmp_path) == {(tmp_path / name).relative_to(tmp_path): b"mine"}


@pytest.mark.usefixtures("no_figures")
def test_overwrite_replaces_a_run_and_leaves_nothing_of_it(capsys, finished):
    (finished / "notes.txt").write_text("mine")
    ended = command(capsys, "demo", *TINY, "--steps", 2, "--overwrite", "--out", finished)
    assert ended.status == 0, ended.err
    assert names(finished) == (FILES - FIGURES) | {"notes.txt"}
    assert load(finished).step == len(read_rows(finished)) == 2
    assert json.loads((finished / "run.json").read_text())["seed"] == 0


@pytest.mark.usefixtures("no_work")
def test_a_mistake_beside_overwrite_costs_nothing(capsys, finished):
    before = contents(finished)
    for mistake in (["--vocab", 7], ["--vocab", 4], ["--steps", 0], ["--backend", "jax"], ["--resume"]):
        ended = command(capsys, "demo", "--overwrite", "--out", finished, *mistake)
        assert_one_line(ended, 2)
    assert contents(finished) == before


@pytest.mark.usefixtures("no_work")
def test_a_run_of_another_command_is_not_overwritten(capsys, tmp_path):
    (tmp_path / "run.json").write_text('{"text": "novel.txt", "width": 64}')
    before = contents(tmp_path)
    ended = command(capsys, "demo", "--overwrite", "--out", tmp_path)
    assert_one_line(ended, 2, "holds files that no run of this demo wrote")
    assert contents(tmp_path) == before


def test_an_overwritten_run_that_is_killed_at_once_does_not_resume_the_old_one(
    capsys, monkeypatch, finished, no_figures
):
    with monkeypatch.context() as patch:
        patch.setattr(run_module, "train", lambda *args: (_ for _ in ()).throw(KeyboardInterrupt))
        ended = command(capsys, "demo", *TINY, "--steps", 3, "--overwrite", "--quiet", "--out", finished)
    assert_one_line(ended, 130, "--resume")
    assert names(finished) == {"run.json"}
    assert command(capsys, "demo", "--resume", "--out", finished).status == 0
    assert load(finished).step == 3


# --- folders that cannot be used ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "flags", [[], ["--resume"], ["--overwrite"]], ids=lambda flags: "".join(flags) or "plain"
)
@pytest.mark.usefixtures("no_work")
def test_out_is_a_file(capsys, tmp_path, flags):
    file = tmp_path / "file"
    file.write_text("mine")
    for out in (file, file / "below", "/dev/null", "/dev/null/below"):
        assert_one_line(command(capsys, "demo", *flags, "--out", out), 2, str(out))
    assert file.read_text() == "mine"


@pytest.mark.parametrize("flags", [[], ["--resume"]], ids=["plain", "resume"])
@pytest.mark.usefixtures("no_work")
def test_out_is_no_name_that_a_file_system_takes(capsys, tmp_path, flags):
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    for out in (tmp_path / ("n" * 300), loop):
        assert_one_line(command(capsys, "demo", *flags, "--out", out), 2, str(out))


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="no /proc here")
@pytest.mark.usefixtures("no_work")
def test_out_is_below_a_file_system_that_takes_no_files(capsys):
    """The one kind of folder that root cannot write to either."""
    assert_one_line(command(capsys, "demo", "--out", "/proc/hyena-demo"), 2, "/proc/hyena-demo")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may do everything")
@pytest.mark.usefixtures("no_work")
def test_out_must_not_be_written_or_read(capsys, tmp_path):
    for mode in (0o500, 0o000):
        folder = tmp_path / f"mode {mode:o}"
        folder.mkdir()
        folder.chmod(mode)
        try:
            assert_one_line(command(capsys, "demo", "--out", folder), 2, str(folder))
        finally:
            folder.chmod(0o700)


def test_a_folder_that_cannot_be_read(capsys, monkeypatch, tmp_path):
    """As root would never see it."""

    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(tmp_path), "iterdir", refuse)
    assert_one_line(command(capsys, "demo", "--out", tmp_path), 2, "Permission denied", str(tmp_path))


def test_a_disk_that_is_full_at_the_end_is_one_line(capsys, monkeypatch, tmp_path, no_figures):
    from hyena_np.errors import OutputError

    def full(*args, **kwargs):
        raise OutputError("result.json: cannot be written (No space left on device)")

    monkeypatch.setattr(run_module, "write_result", full)
    ended = command(capsys, "demo", *TINY, "--steps", 1, "--quiet", "--out", tmp_path / "out")
    assert_one_line(ended, 2, "No space left")
    monkeypatch.undo()
    monkeypatch.setattr(run_module, "draw_figures", lambda *args: [])
    assert command(capsys, "demo", "--resume", "--out", tmp_path / "out").status == 0


@pytest.mark.usefixtures("no_figures")
def test_a_name_that_no_terminal_can_show_is_no_reason_to_fail(tmp_path):
    """Bytes that are no UTF-8, and letters that the terminal does not have."""
    code = CHECKPOINT_OFTEN.replace(
        "main()", "import hyena_np.demo.run as run; run.draw_figures = lambda *a: []; main()"
    )
    out = os.fsdecode(b"caf\xe9 \xe2\x82\xac")
    ended = finish(
        start(
            "demo",
            *TINY,
            "--steps",
            1,
            "--out",
            out,
            cwd=tmp_path,
            code=code,
            PYTHONIOENCODING="latin-1:strict",
        )
    )
    assert ended.status == 0, ended.err
    assert "Written to caf" in ended.out
    assert names(tmp_path / out) == FILES - FIGURES
