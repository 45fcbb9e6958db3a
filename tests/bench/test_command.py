"""``hyena-np bench`` as a user meets it."""

import re
import signal

import pytest

from hyena_np import cli
from hyena_np.bench.machine import cores, describe, thread_counts
from hyena_np.bench.outside import default_out, find_folder, load_outside, why_missing
from hyena_np.errors import ConfigError, HyenaError
from support.command import ROOT, assert_one_line, command, finish, start
from support.libraries import gpu_missing

TINY = ("--length", 16, "--width", 4, "--kind", "forward", "--threads", 1, "--repeats", 2)
OWN = (*TINY, "--contenders", "ours,floor")


def test_help_explains_every_option_and_shows_examples(capsys):
    ended = command(capsys, "bench", "--help")
    assert (ended.status, ended.err) == (0, "")
    for option in cli.bench.params:
        assert len(option.help.split()) > 2
        assert option.opts[0] in ended.out
    assert "hyena-np bench" in command(capsys).out


def test_every_command_line_that_help_shows_is_understood(capsys, monkeypatch, tmp_path):
    """With the run itself left out."""
    monkeypatch.chdir(tmp_path)
    shown = re.findall(r"^ +hyena-np (bench(?: --\w+(?: \w+)?)*)  ", cli.bench.help, re.MULTILINE)
    assert len(shown) >= 6
    import hyena_np.bench.forms
    import hyena_np.bench.run

    monkeypatch.setattr(hyena_np.bench.run, "run_bench", reached)
    monkeypatch.setattr(hyena_np.bench.forms, "measure_forms", reached)
    for line in shown:
        assert_one_line(command(capsys, *line.split()), 2, "understood")


def reached(*args, **options):
    raise HyenaError("understood")


MISTAKES = {
    "forms-resumed": ("--forms --resume", "--forms", "--overwrite"),
    "forms-of-an-order": ("--forms --order 3", "--forms", "--length"),
    "forms-with-two-numbers-of-threads": ("--forms --threads 1 --threads 2", "threads", "one"),
    "preset-unknown": ("--preset huge", "preset", "'huge'", "quick"),
    "kind-unknown": ("--kind sideways", "kind", "'sideways'", "forward"),
    "length-zero": ("--length 0", "length", "0"),
    "length-word": ("--length long", "length", "'long'"),
    "order-one": ("--order 1", "order", "1"),
    "order-that-no-case-has": ("--order 9", "order", "9"),
    "width-without-length": ("--width 64", "width", "length"),
    "threads-zero": ("--threads 0", "threads", "'0'", "all"),
    "threads-word": ("--threads many", "threads", "'many'"),
    "threads-too-many": ("--threads 100000", "threads", "100000"),
    "backend-unknown": ("--backend jax", "backend", "'jax'"),
    "backend-not-for-this": ("--backend torch", "backend", "'torch'"),
    "contender-unknown": ("--contenders ours,jax", "contenders", "'jax'", "eager"),
    "contenders-empty": ("--contenders=", "contenders"),
    "budget-negative": ("--budget -1", "budget"),
    "repeats-zero": ("--repeats 0", "repeats", "0"),
    "benchmarks-nowhere": ("--benchmarks nowhere", "benchmarks", "nowhere", "torch_contenders.py"),
    "resume-and-overwrite": ("--resume --overwrite", "resume", "overwrite"),
    "argument-too-many": ("again", "again"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_and_status_two_and_nothing_is_written(capsys, monkeypatch, tmp_path, mistake):
    monkeypatch.chdir(tmp_path)
    line, *mentioned = MISTAKES[mistake]
    ended = command(capsys, "bench", "--out", "results", *line.split())
    assert_one_line(ended, 2, *mentioned)
    assert ended.out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(gpu_missing() is None, reason="a GPU answers here")
def test_a_gpu_that_is_not_there_is_said_to_be_missing(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert_one_line(command(capsys, "bench", "--backend", "cupy", "--out", "results"), 2, "cupy")
    assert list(tmp_path.iterdir()) == []


def test_a_small_run_then_a_refusal_then_a_resumed_run(capsys, tmp_path):
    out = tmp_path / "results"
    ended = command(capsys, "bench", *OWN, "--out", out)
    assert ended.status == 0, ended
    assert "processor: " in ended.out and "hyena_np" in ended.out and f"Written to {out}/" in ended.out
    assert (out / "results.csv").read_text().count("\nforward,1,16,4,2,1,") == 2
    assert_one_line(command(capsys, "bench", *OWN, "--out", out), 2, "--resume", "--overwrite")
    more = command(capsys, "bench", *OWN, "--length", 32, "--out", out, "--resume")
    assert more.status == 0, more
    assert {path.name for path in out.iterdir()} == {
        "results.csv",
        "time_forward_order2_threads1.png",
        "ratio_forward_order2_threads1.png",
    }


def test_quiet_says_nothing(capsys, tmp_path):
    assert command(capsys, "bench", *OWN, "--out", tmp_path, "--quiet") == (0, "", "")


def test_a_wrong_contender_is_status_one(capsys, monkeypatch, tmp_path):
    from hyena_np.bench import contenders

    right = contenders.hyena

    def wrong(*args):
        y, cache = right(*args)
        return 1.5 * y, cache

    monkeypatch.setattr(contenders, "hyena", wrong)
    assert_one_line(command(capsys, "bench", *OWN, "--out", tmp_path, "--quiet"), 1, "hyena_np", "error of y")


def test_ctrl_c_stops_and_says_how_to_go_on(tmp_path):
    endless = (*TINY, "--contenders", "ours", "--repeats", 10**6)
    process = start("bench", *endless, "--out", tmp_path / "o", cwd=tmp_path, PYTHONUNBUFFERED="1")
    while not process.stdout.readline().startswith(b"kind"):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    ended = finish(process)
    assert ended.status == cli.INTERRUPTED
    assert "--resume" in ended.err.splitlines()[-1]
    assert "Traceback" not in ended.err


# --- threads, machine, folder -------------------------------------------------------------------------------


def test_numbers_of_threads():
    assert thread_counts([]) == tuple(dict.fromkeys((1, cores())))
    assert thread_counts([], "cupy") == (cores(),)
    assert thread_counts(["3", "all", "3"]) == tuple(dict.fromkeys((3, cores())))
    for word in ("0", "-1", "1.5", "ALL", ""):
        with pytest.raises(ConfigError, match="threads"):
            thread_counts([word])


def test_the_machine_is_described_without_a_date():
    first, again = describe(), describe()
    assert first == again
    assert {"processor", "cores", "python", "numpy", "scipy", "BLAS", "memory"} <= set(first)
    assert all(isinstance(value, str) and value for value in first.values())


def test_the_folder_of_the_clone_is_found():
    assert find_folder() == ROOT / "benchmarks"
    assert find_folder(ROOT / "benchmarks") == ROOT / "benchmarks"
    with pytest.raises(ConfigError, match="benchmarks: got"):
        find_folder(ROOT / "tests")
    assert default_out(ROOT / "benchmarks", "quick", "numpy") == ROOT / "benchmarks" / "results" / "quick"
    assert default_out(None, "full", "cupy").parts == ("hyena-bench", "full-cupy")


def test_why_there_are_no_contenders_from_outside(monkeypatch, tmp_path):
    assert "--benchmarks" in why_missing(None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "PyTorch" in why_missing(tmp_path)


def test_a_folder_of_another_name_is_loaded_under_it(monkeypatch, tmp_path):
    folder = tmp_path / "rivals"
    folder.mkdir()
    (folder / "torch_contenders.py").write_text("from .part import answer\n")
    (folder / "part.py").write_text("answer = 42\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert load_outside(folder).answer == 42
