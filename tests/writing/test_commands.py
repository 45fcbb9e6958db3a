"""``hyena-np train`` and ``hyena-np generate`` as a user meets them."""

import json
import re
import shutil
import signal
import time

import numpy as np
import pytest
from matplotlib.image import imread

from hyena_np import cli, get_backend
from hyena_np.models.params import tree_leaves
from hyena_np.tasks.text import TextTask
from hyena_np.training.checkpoint import load_checkpoint
from hyena_np.training.metrics import read_metrics
from hyena_np.writing import train as train_module
from hyena_np.writing.generate import generate
from hyena_np.writing.recipe import WritingRecipe
from hyena_np.writing.trained import load_trained
from support.command import assert_one_line, command, finish, start

TEXT = "the cat sat on the mat.\n" * 40
TINY = ("--width", 8, "--layers", 1, "--length", 16, "--batch", 2)
FILES = {"checkpoint.safetensors", "learning_curve.png", "metrics.csv", "result.json", "run.json", ".lock"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A short training in a process of its own, and all that it said."""
    cwd = tmp_path_factory.mktemp("elsewhere")
    (cwd / "cat.txt").write_text(TEXT)
    ended = finish(start("train", "--text", "cat.txt", *TINY, "--steps", 6, "--out", "a/run", cwd=cwd))
    assert ended.status == 0, ended.err
    return cwd / "a" / "run", ended


@pytest.fixture
def finished(whole, tmp_path):
    """A copy of a finished run."""
    return shutil.copytree(whole[0], tmp_path / "finished")


@pytest.fixture
def stopped(finished):
    """A run that has still to come to its result."""
    (finished / "result.json").unlink()
    return finished


@pytest.fixture
def text(tmp_path, monkeypatch):
    """A text of the working folder's."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cat.txt").write_text(TEXT)
    return "cat.txt"


@pytest.fixture
def no_figure(monkeypatch):
    monkeypatch.setattr(train_module, "draw_curve", lambda folder, title: folder / "learning_curve.png")


def names(folder):
    return {path.name for path in folder.iterdir()}


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def read(folder, name):
    return json.loads((folder / name).read_text())


def load(folder):
    return load_checkpoint(folder / "checkpoint.safetensors", get_backend("numpy"))


# --- what training leaves and says --------------------------------------------------------------------------


def test_the_files_of_a_run(whole):
    folder, _ = whole
    assert names(folder) == FILES
    assert load(folder).step == 6
    records = read_metrics(folder / "metrics.csv")
    assert [record.step for record in records] == [1, 2, 3, 4, 5, 6]
    assert all(record.validation_loss > 0 for record in records)
    assert min(imread(folder / "learning_curve.png").shape[:2]) > 300


def test_the_result(whole):
    result = read(whole[0], "result.json")
    assert 0 < result["test_bits_per_character"] < 20
    assert result["validation_bits_per_character"] == pytest.approx(
        read_metrics(whole[0] / "metrics.csv")[-1].validation_loss / np.log(2)
    )
    assert (result["width"], result["steps"], result["characters"]) == (8, 6, len(set(TEXT)))
    assert len(result["sample"]) == 300
    assert set(result["sample"]) <= set(TEXT)
    assert result["text_name"] == "cat.txt"


def test_what_it_says_and_where(whole):
    folder, ended = whole
    assert f"cat.txt: {len(TEXT)} characters, {len(set(TEXT))} distinct" in ended.out
    result = read(folder, "result.json")
    assert f"{result['test_bits_per_character']:.3f} bits per character of the test part" in ended.out
    assert result["sample"] in ended.out
    (written,) = re.findall(r"^Written to a/run/: (.*)$", ended.out, re.MULTILINE)
    assert set(written.split(", ")) == FILES - {".lock"}
    assert "hyena-np generate a/run --prompt" in ended.out
    last = ended.err.rstrip("\n").rpartition("\r")[2]
    assert re.search(r"6/6 .*\d\d:\d\d<\d\d:\d\d.*step.*loss \d+\.\d{3}, validation \d+\.\d{3} bits", last)


def test_training_changes_every_array_that_is_trained(whole):
    from hyena_np.training.loop import initial_state

    recipe = WritingRecipe(width=8, layers=1, length=16, batch=2, steps=6)
    before = initial_state(recipe.model(len(set(TEXT))), recipe.training, get_backend("numpy")).params
    before, after = tree_leaves(before), tree_leaves(load(whole[0]).params)
    assert before.keys() == after.keys()
    same = {name for name in before if np.array_equal(before[name], after[name])}
    assert all(re.search(r"\.(positional|window)\.", name) for name in same)


@pytest.mark.usefixtures("no_figure")
def test_a_config_file_between_flags_and_defaults(capfd, text, tmp_path):
    (tmp_path / "tiny.toml").write_text(
        'text = "cat.txt"\nwidth = 4\nlayers = 1\nlength = 8\nmixer = "rwkv"\n'
    )
    ended = command(
        capfd, "train", "--config", "tiny.toml", "--width", 6, "--steps", 1, "--quiet", "--out", "o"
    )
    assert ended == (0, "", "")
    run = read(tmp_path / "o", "run.json")
    assert (run["width"], run["layers"], run["mixer"], run["steps"]) == (6, 1, "rwkv", 1)
    assert run["batch"] == WritingRecipe().batch
    assert command(capfd, "generate", "o", "--prompt", "cat", "--length", 5).out.startswith("cat")


@pytest.mark.usefixtures("no_figure")
def test_without_a_text_it_reads_pythons_library(capsys, monkeypatch, tmp_path):
    from hyena_np.tasks.corpora import Corpus
    from hyena_np.writing import run as run_module

    asked = []

    def short(name):
        asked.append(name)
        return Corpus("python-library", TEXT)

    monkeypatch.setattr(run_module, "load_corpus", short)
    ended = command(capsys, "train", *TINY, "--steps", 1, "--quiet", "--out", tmp_path / "o")
    assert ended.status == 0, ended.err
    assert asked == ["library"]
    assert read(tmp_path / "o", "run.json")["corpus"] == "library"
    assert read(tmp_path / "o", "result.json")["text_name"] == "python-library"


def test_the_defaults_that_help_promises(capsys):
    recipe = WritingRecipe()
    options = {option.name: option.help for option in cli.train.params if hasattr(option, "help")}
    for name in ("mixer", "width", "layers", "length", "steps", "batch", "lr", "seed"):
        assert f"[default: {getattr(recipe, name)}]" in options[name]
    assert recipe.model(5).mixer.order == 2
    for name in ("train", "generate"):
        ended = command(capsys, name, "--help")
        assert (ended.status, ended.err) == (0, "")
        assert ended.out.count(f"hyena-np {name} ") >= 4


# --- writing ------------------------------------------------------------------------------------------------


def test_it_writes_the_prompt_and_as_many_characters_as_were_asked_for(capsys, whole):
    ended = command(capsys, "generate", whole[0], "--prompt", "the c", "--length", 40)
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith("the c")
    assert ended.out.endswith("\n")
    assert len(ended.out) == len("the c") + 40 + 1
    assert set(ended.out) <= set(TEXT)


def test_what_it_writes_goes_on_from_the_prompt(capsys, whole):
    model = load_trained(whole[0], get_backend("numpy"))
    ids = model.vocabulary.encode("on the m")
    tokens = list(generate(model.params, model.config, ids, 80, np.random.default_rng(4), 0.5, 6))
    options = ("--length", 80, "--seed", 4, "--temperature", 0.5, "--top-k", 6)
    ended = command(capsys, "generate", whole[0], "--prompt", "on the m", *options)
    assert ended.out == "on the m" + model.vocabulary.decode(np.array(tokens)) + "\n"


def test_a_seed_is_a_text_and_temperature_zero_needs_none(capsys, whole):
    def written(*arguments):
        return command(capsys, "generate", whole[0], "--prompt", "the", "--length", 60, *arguments).out

    assert written("--seed", 1) == written("--seed", 1) != written("--seed", 2)
    assert written("--temperature", 0, "--seed", 1) == written("--top-k", 1, "--seed", 2)


def test_without_a_prompt_it_writes_as_after_a_line_break(capsys, whole):
    nothing = command(capsys, "generate", whole[0], "--length", 20).out
    newline = command(capsys, "generate", whole[0], "--length", 20, "--prompt", "\n").out
    assert "\n" + nothing == newline


def test_another_library_writes_the_same(capsys, whole):
    pytest.importorskip("torch", reason="torch is not installed")
    one, other = (
        command(capsys, "generate", whole[0], "--temperature", 0, "--length", 20, "--backend", backend).out
        for backend in ("numpy", "torch")
    )
    assert one == other


def test_a_reader_who_has_had_enough_is_no_error(whole):
    with start("generate", whole[0], "--length", 100_000, cwd=whole[0]) as process:
        assert process.stdout.read(5)
        process.stdout.close()
        assert process.stderr.read() == b""


def test_ctrl_c_ends_the_line_first(capsys, monkeypatch, whole):
    from hyena_np.writing import trained

    def interrupted(*arguments):
        yield from (0, 0)
        raise KeyboardInterrupt

    monkeypatch.setattr(trained, "generate", interrupted)
    ended = command(capsys, "generate", whole[0], "--prompt", "cat")
    assert_one_line(ended, 130, "stopped")
    assert ended.out == "cat\n\n\n"  # the first character of this vocabulary is the line break


# --- mistakes -----------------------------------------------------------------------------------------------

MISTAKES = {
    "empty": ("--text empty.txt", "empty.txt", "empty"),
    "missing": ("--text absent.txt", "absent.txt", "not exist"),
    "folder": ("--text .", "folder"),
    "no-text": ("--text latin.txt", "latin.txt", "offset 3"),
    "nul": ("--text nul.txt", "nul.txt", "NUL"),
    "short": ("--text cat.txt --length 500", "cat.txt", "960 characters"),
    "corpus": ("--corpus text9", "corpus", "'text9'", "tiny-shakespeare"),
    "both": ("--corpus text8 --text cat.txt", "text, corpus"),
    "config-missing": ("--config absent.toml", "absent.toml"),
    "config-key": ("--text cat.txt --config odd.toml", "odd.toml", "'widht'", "width"),
    "config-value": ("--text cat.txt --config word.toml", "width", "'wide'"),
    "mixer": ("--text cat.txt --mixer hyenas", "mixer", "'hyenas'", "'attention'"),
    "order-of-attention": ("--text cat.txt --mixer attention --order 2", "order"),
    "order": ("--text cat.txt --order 1", "order", "1"),
    "width": ("--text cat.txt --width 0", "width", "0"),
    "lr": ("--text cat.txt --lr nan", "lr", "nan"),
    "seed": ("--text cat.txt --seed -1", "seed", "-1"),
    "backend": ("--text cat.txt --backend jax", "backend", "jax"),
    "resume-nothing": ("--resume", "no training run", "hyena-text"),
    "resume-and-overwrite": ("--text cat.txt --resume --overwrite", "resume, overwrite"),
    "out-is-a-file": ("--text cat.txt --out cat.txt", "cat.txt"),
    "out-is-the-demos": ("--text cat.txt --out demo --overwrite", "demo"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_and_nothing_is_written(capsys, text, tmp_path, mistake):
    for name, content in {
        "empty.txt": b"",
        "latin.txt": b"caf\xe9" * 400,
        "nul.txt": b"a\0" * 400,
        "odd.toml": b"widht = 8",
        "word.toml": b'width = "wide"',
    }.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "run.json").write_text('{"vocab": 20, "length": 64}')
    before = contents(tmp_path)
    line, *mentioned = MISTAKES[mistake]
    ended = command(capsys, "train", *line.split())
    assert_one_line(ended, 2, *mentioned)
    assert ended.out == ""
    assert contents(tmp_path) == before


GENERATE_MISTAKES = {
    "unknown-character": (["--prompt", "the dog"], "prompt", "'d'"),
    "unknown-line-break": (["--prompt", "caté"], "prompt", "'é'"),
    "temperature": (["--temperature", "-1"], "temperature", "-1"),
    "no-temperature": (["--temperature", "nan"], "temperature", "nan"),
    "top-k": (["--top-k", "0"], "top-k", "0"),
    "length": (["--length", "-1"], "length", "-1"),
    "backend": (["--backend", "jax"], "backend", "jax"),
}


@pytest.mark.parametrize("mistake", GENERATE_MISTAKES)
def test_a_mistake_of_a_writer(capsys, whole, mistake):
    arguments, *mentioned = GENERATE_MISTAKES[mistake]
    ended = command(capsys, "generate", whole[0], *arguments)
    assert_one_line(ended, 2, *mentioned)
    assert ended.out == ""


def test_nothing_to_write_with(capsys, finished, tmp_path):
    assert_one_line(command(capsys, "generate", tmp_path / "absent"), 2, "no such folder", "absent")
    (tmp_path / "empty").mkdir()
    assert_one_line(command(capsys, "generate", tmp_path / "empty"), 2, "no training run")
    (tmp_path / "file").write_text("mine")
    assert_one_line(command(capsys, "generate", tmp_path / "file"), 2, "file")
    (finished / "checkpoint.safetensors").unlink()
    assert_one_line(command(capsys, "generate", finished), 2, "no checkpoint yet")


EDITS = {
    "width": ({"width": 16}, "model.mixer.d_model", "8", "16"),
    "mixer": ({"mixer": "attention"}, "model"),
    "vocabulary": ({"vocabulary": "\n .acehmnost"[:-1]}, "vocab"),
    "letters": ({"vocabulary": "\n .acehmnosz"}, "vocabulary"),
    "not-a-width": ({"width": "8"}, "run.json", "width"),
    "unsorted": ({"vocabulary": "ba"}, "run.json", "characters"),
    "text": ({"text": 3}, "run.json"),
    "unknown": ({"speed": 3}, "run.json", "speed"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_config_that_does_not_fit_the_checkpoint(capsys, stopped, edit):
    change, *mentioned = EDITS[edit]
    (stopped / "run.json").write_text(json.dumps(read(stopped, "run.json") | change))
    assert_one_line(command(capsys, "generate", stopped), 2, *mentioned)
    before = contents(stopped)
    assert_one_line(command(capsys, "train", "--resume", "--quiet", "--out", stopped), 2, *mentioned)
    assert contents(stopped) == before


def test_a_damaged_checkpoint(capsys, stopped):
    path = stopped / "checkpoint.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    for arguments in (("generate", stopped), ("train", "--resume", "--quiet", "--out", stopped)):
        assert_one_line(command(capsys, *arguments), 2, "checkpoint.safetensors")


# --- the folder ---------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_figure")
def test_a_run_is_replaced_only_if_asked(capsys, finished, text):
    before = contents(finished)
    again = ("train", "--text", text, *TINY, "--steps", 2, "--quiet", "--out", finished)
    assert_one_line(command(capsys, *again), 2, "another run", "--resume", "--overwrite", "--out")
    assert contents(finished) == before
    assert command(capsys, *again, "--overwrite").status == 0
    assert load(finished).step == 2
    assert names(finished) == FILES - {"learning_curve.png"}  # that of the old run is gone


def test_a_replaced_run_that_is_stopped_at_once_leaves_nothing_to_mistake_for_it(
    capsys, monkeypatch, finished, text
):
    def stop(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(train_module, "train", stop)
    ended = command(capsys, "train", "--text", text, *TINY, "--overwrite", "--quiet", "--out", finished)
    assert_one_line(ended, 130, "--resume")
    assert names(finished) == {"run.json", ".lock"}
    assert_one_line(command(capsys, "generate", finished), 2, "no checkpoint yet")


def test_files_of_others_are_never_overwritten(capsys, text, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("mine")
    for flags in ([], ["--overwrite"]):
        ended = command(capsys, "train", "--text", text, *flags, "--out", "mine")
        assert_one_line(ended, 2, "holds files")
    assert names(tmp_path / "mine") == {"thesis.tex"}


def test_two_processes_do_not_work_in_one_folder(capsys, stopped):
    from hyena_np.files import exclusive

    before = contents(stopped)
    with exclusive(stopped):
        ended = command(capsys, "train", "--resume", "--quiet", "--out", stopped)
    assert_one_line(ended, 2, "another process")
    assert contents(stopped) == before


# --- stopped and resumed ------------------------------------------------------------------------------------

LONG = (*TINY, "--steps", 24, "--seed", 7)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """What a run comes to that nothing stopped."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    (folder / "cat.txt").write_text(TEXT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_module, "draw_curve", lambda folder, title: folder / "learning_curve.png")
        with pytest.raises(SystemExit) as stop:
            arguments = ("train", "--text", folder / "cat.txt", *LONG, "--quiet", "--out", folder / "run")
            cli.main([str(argument) for argument in arguments])
    assert stop.value.code == 0
    return folder / "run"


def assert_ends_as_if_nothing_had_happened(capsys, folder, uninterrupted):
    ended = command(capsys, "train", "--resume", "--quiet", "--out", folder)
    assert ended.status == 0, ended.err
    ours, theirs = load(folder), load(uninterrupted)
    assert (ours.step, ours.rng_state, ours.config) == (24, theirs.rng_state, theirs.config)
    for one, other in ((ours.params, theirs.params), (ours.optimizer.square, theirs.optimizer.square)):
        one, other = tree_leaves(one), tree_leaves(other)
        for name in one:
            np.testing.assert_array_equal(one[name], other[name], err_msg=name)
    one, other = (
        [record._replace(seconds=0.0) for record in read_metrics(path / "metrics.csv")]
        for path in (folder, uninterrupted)
    )
    assert one == other
    one, other = (read(path, "result.json") for path in (folder, uninterrupted))
    assert one["sample"] == other["sample"]
    assert one["test_bits_per_character"] == other["test_bits_per_character"]
    assert names(folder) == names(uninterrupted)


@pytest.mark.usefixtures("no_figure")
def test_ctrl_c_stops_cleanly_and_the_run_goes_on_to_the_same_weights(
    capsys, monkeypatch, text, tmp_path, uninterrupted
):
    sample, calls = TextTask.sample, []

    def interrupt_the_eighth(self, rng, n):
        calls.append(n)
        if len(calls) == 8:
            raise KeyboardInterrupt
        return sample(self, rng, n)

    out = tmp_path / "my run"
    with monkeypatch.context() as patch:
        patch.setattr(TextTask, "sample", interrupt_the_eighth)
        ended = command(capsys, "train", "--text", text, *LONG, "--quiet", "--out", out)
    assert_one_line(ended, 130, f"'hyena-np train --resume --out '{out}'' goes on")
    assert load(out).step == 7
    assert command(capsys, "generate", out, "--length", 3).status == 0  # a run that is not finished can write
    assert_ends_as_if_nothing_had_happened(capsys, out, uninterrupted)


@pytest.mark.slow
@pytest.mark.usefixtures("no_figure")
def test_a_killed_run_goes_on_to_the_same_weights(capsys, text, tmp_path, uninterrupted):
    slowly = (
        "import time\nfrom hyena_np.tasks.text import TextTask\nsample = TextTask.sample\n"
        "TextTask.sample = lambda self, rng, n: (time.sleep(0.05), sample(self, rng, n))[1]\n"
        "from hyena_np.cli import main\nmain()"
    )
    process = start("train", "--text", text, *LONG, "--out", "run", cwd=tmp_path, code=slowly)
    metrics, deadline = tmp_path / "run" / "metrics.csv", time.monotonic() + 120
    while not metrics.exists() or metrics.read_text().count("\n") < 9:
        assert process.poll() is None, finish(process)
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert finish(process).status == -signal.SIGKILL
    assert 7 <= load(tmp_path / "run").step < 24
    assert_ends_as_if_nothing_had_happened(capsys, tmp_path / "run", uninterrupted)


def test_resuming_takes_no_other_values(capsys, stopped):
    before = contents(stopped)
    for option, asked, recorded in (
        ("width", 16, 8),
        ("mixer", "rwkv", "hyena"),
        ("seed", 1, 0),
        ("lr", 1, 0.004),
    ):
        ended = command(capsys, "train", "--resume", "--out", stopped, f"--{option}", asked)
        assert_one_line(ended, 2, option, str(asked), str(recorded), "--resume takes it as it is")
    assert contents(stopped) == before


@pytest.mark.usefixtures("no_figure")
def test_resuming_needs_the_same_text_wherever_it_is(capsys, stopped, tmp_path):
    (tmp_path / "changed.txt").write_text(TEXT + "!")
    (tmp_path / "moved.txt").write_text(TEXT)
    resume = ("train", "--resume", "--quiet", "--out", stopped)
    path = tmp_path / "gone.txt"
    (stopped / "run.json").write_text(json.dumps(read(stopped, "run.json") | {"text": str(path)}))
    assert_one_line(command(capsys, *resume), 2, "gone.txt", "not exist")
    assert_one_line(
        command(capsys, *resume, "--text", tmp_path / "changed.txt"), 2, "changed.txt", "same text"
    )
    ended = command(capsys, *resume, *TINY, "--steps", 6, "--text", tmp_path / "moved.txt")
    assert ended.status == 0, ended.err


def test_a_finished_run_says_so_and_is_left_alone(capsys, finished):
    before = contents(finished)
    bits = read(finished, "result.json")["test_bits_per_character"]
    ended = command(capsys, "train", "--resume", "--out", finished)
    assert (ended.status, ended.err) == (0, "")
    assert f"finished: {bits:.3f} bits" in ended.out
    assert contents(finished) == before


def test_a_loss_that_is_no_number_is_one_line_and_status_one(capsys, text):
    ended = command(
        capsys, "train", "--text", text, *TINY, "--lr", 1e30, "--steps", 40, "--quiet", "--out", "o"
    )
    assert_one_line(ended, 1, "step", "learning rate")


# --- what it learns -----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_default_learns_to_write_like_pythons_library(tmp_path):
    ended = finish(start("train", "--steps", 400, cwd=tmp_path))
    assert ended.status == 0, ended.err
    result = read(tmp_path / "hyena-text", "result.json")
    assert result["test_bits_per_character"] < 2.8  # one character at a time takes about 4.9
    assert "self" in result["sample"] or "def" in result["sample"]
