"""Flags, help and the console command."""

import contextlib
import dataclasses
import os
import shlex
import signal
import subprocess
import sys

import pytest

from tfstyle import cli
from tfstyle.config import OptimizeCommand, OptimizeConfig, parse_weights
from tfstyle.encoders import layer_names
from tfstyle.errors import InputError
from tfstyle.runtime import process

FILES = ["--content", "a.jpg", "--style", "b.jpg"]


def parse(*argv, parameters=None):
    return cli.parse(OptimizeCommand, argv, "optimize.py", lambda path, given: parameters or {})


def test_values_reach_the_config():
    config = parse(
        "--content=a.jpg", "--style", "b.jpg", "--style", "c.jpg", "--size", "640",
        "--style_weights", "0.25", "--style_weights", "0.75", "--preserve_color=linear",
    )  # fmt: skip
    assert config.style == ("b.jpg", "c.jpg") and config.style_weights == (0.25, 0.75)
    assert (config.size, config.preserve_color) == (640, "linear")
    assert config.iterations == OptimizeConfig().iterations


def test_flags_win_over_presets_and_those_over_a_picture():
    parameters = {"size": 300, "iterations": 7, "tv_weight": 0.5, "style": ["z.jpg"], "future": 1}
    config = parse("--from_picture=p.png", "--content=a.jpg", "--quick", "--iterations=9",
                   parameters=parameters)  # fmt: skip
    assert (config.size, config.iterations, config.tv_weight) == (256, 9, 0.5)
    assert config.style == ("z.jpg",)


@pytest.mark.parametrize(
    "name, value, words",
    [
        ("size", "large", "size must be a whole number, not 'large'"),
        ("size", 3, "--size: must be from 32 to 32768, not 3"),
        ("size", True, "size must be a whole number, not True"),
        ("size", 1 << 70, "size must be a whole number"),
        ("style", [1, 2], r"style\[0\] must be a text, not 1"),
        ("style", "b.jpg", "style must be a list of at most 100, not 'b.jpg'"),
        ("style", ["b.jpg"] * 101, "style must be a list of at most 100"),
        ("style", ["b.jpg\x1b[2J"], r"style\[0\] must be a text of at most 4096 printable"),
        ("style_weight", "10", "style_weight must be a number, not '10'"),
        ("style_weights", [0.5, None], r"style_weights\[1\] must be a number, not None"),
        ("preserve_color", {}, "preserve_color must be a text"),
        ("encoder", "x" * 5000, "encoder must be a text of at most 4096"),
    ],
)
def test_a_parameter_of_a_picture_of_another_kind_is_one_line(name, value, words):
    parameters = {"content": ["a.jpg"], "style": ["b.jpg"], name: value}
    with pytest.raises(InputError, match=f"--from_picture: p.png: its parameter {words}") as caught:
        parse("--from_picture=p.png", parameters=parameters)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 200
    given = {"size": "--size=64", "style": "--style=c.jpg"}.get(name)
    if given:  # a flag replaces it
        assert parse("--from_picture=p.png", given, parameters=parameters).content == ("a.jpg",)


def test_whole_numbers_of_a_picture_are_numbers():
    parameters = {"content": ["a.jpg"], "style": ["b.jpg"], "style_weight": 3}
    config = parse("--from_picture=p.png", parameters=parameters)
    assert config.style_weight == 3.0 and isinstance(config.style_weight, float)


@pytest.mark.parametrize(
    "argv, words",
    [
        (FILES[:2], "--style: give"),
        (FILES[2:], "--content: give"),
        ([*FILES, "--sise=3"], "--sise: no such flag; did you mean 'size'"),
        ([*FILES, "--size=big"], "size"),
        ([*FILES, "--size=3"], "--size: must be from 32 to 32768, not 3"),
        ([*FILES, "--size"], "size"),
        ([*FILES, "--iterations=0"], "--iterations: must be from 1"),
        ([*FILES, "--style_weight=-1"], "--style_weight: must be from 0 to"),
        ([*FILES, "--iterations=x"], "--iterations: 'x' is not a whole number"),
        ([*FILES, "--content_weight=nan"], "--content_weight: must be a finite number"),
        ([*FILES, "--style_scale=0"], "--style_scale: must be from 0.001 to 1000"),
        ([*FILES, "--style_loss=gramm"], "did you mean 'gram'"),
        ([*FILES, "--style_loss=gram,gram"], "given twice"),
        ([*FILES, "--style_loss=gram:0"], "all weights are 0"),
        ([*FILES, "--style_loss=gram:x"], "'x' is not a weight"),
        (
            [*FILES, "--encoder=vgg16"],
            "--encoder: unknown 'vgg16'; use one of auto, lite, mixed, vgg19",
        ),
        ([*FILES, "--optimizer=sgd"], "use one of lbfgs, tfp, adam"),
        ([*FILES, "--style_weights=1", "--style_weights=2"], "2 given for 1 --style"),
        ([*FILES, "--style_weights=0"], "--style_weights: all are 0"),
        ([*FILES, "--bits=12"], "--bits: must be 8 or 16"),
        ([*FILES, "--tv_weight=ab"], "--tv_weight: 'ab' is not a number"),
        ([*FILES, "--quick=maybe"], "--quick: 'maybe' is not true or false"),
        ([*FILES, "--size"], "--size: give a whole number. Longest side"),
        ([*FILES, "--optimizer"], "--optimizer: give one of lbfgs, tfp, adam"),
        ([*FILES, "--output"], "--output: give a value. Picture to write"),
        (["--output", *FILES], "--output: give a value. Picture to write"),
        (["--style_weights", *FILES], "--style_weights: '--content' is not a number"),
        ([*FILES, "--init="], "--init: is empty. Start image"),
        ([*FILES, "--style="], "--style: is empty. Painting"),
        ([*FILES, "--style_layers="], "--style_layers: is empty. Layers"),
        ([*FILES, "--quick", "--gallery"], "--quick, --gallery: give one of them"),
        ([*FILES, "--style_size=300", "--style_scale=0.5"], "--style_size=300, --style_scale=0.5"),
        ([*FILES, "--brush=fine", "--style_scale=0.5"], "--brush=fine, --style_scale: give one of"),
        ([*FILES, "--brush=bold", "--style_size=300"], "--brush=bold, --style_size: give one of"),
        ([*FILES, "c.jpg"], "'c.jpg': every argument needs its flag"),
    ],
)
def test_mistakes_are_one_line(argv, words):
    with pytest.raises(InputError) as caught:
        parse(*argv)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_help_names_every_flag_with_a_sentence(capsys):
    assert parse("--help") is None
    text = capsys.readouterr().out
    for field in dataclasses.fields(OptimizeCommand):
        assert f"  --{field.name} " in text.replace("\n", " ")
        assert field.metadata["help"].endswith("."), field.name
    assert "--gallery" in text and max(map(len, text.splitlines())) <= 100


def test_weights():
    assert parse_weights("f", "a, b:0.5", ("a", "b")) == {"a": 1.0, "b": 0.5}


@pytest.mark.parametrize("argv", [["--help"], ["--sise=3"], [*FILES], ["--content=a.jpg"]])
def test_help_and_mistakes_answer_without_tensorflow(run_program, argv):
    result = run_program("optimize.py", *argv, PYTHONPROFILEIMPORTTIME="1")
    lines = result.stderr.splitlines()
    loaded = {line.split("|")[-1].strip() for line in lines if line.startswith("import time:")}
    assert "tfstyle.config" in loaded and not loaded & {"tensorflow", "keras", "matplotlib"}
    said = [line for line in lines if not line.startswith("import time:")]
    if argv == ["--help"]:
        assert result.returncode == 0 and not said and "--content" in result.stdout
    else:
        assert result.returncode == 1 and len(said) == 1 and said[0].startswith("error: ")


def test_the_console_command_lists_its_programs(capsys):
    from tfstyle.__main__ import main

    assert main([]) == 0
    assert "optimize" in capsys.readouterr().out
    assert main(["optimise"]) == 1
    assert "did you mean 'optimize'" in capsys.readouterr().err


def test_signals_wait_for_what_would_swallow_them():
    """As Keras does, whose bare `except`s make a model of half its parts."""
    finished = False
    with pytest.raises(KeyboardInterrupt), process.held_signals():
        try:
            signal.raise_signal(signal.SIGINT)
        except:  # noqa: E722
            pytest.fail("The signal did not wait")
        finished = True
    assert finished and signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupted_load_is_no_damaged_model(monkeypatch):
    from tfstyle import models
    from tfstyle.models import loading

    load = loading._unpack

    def interrupted(path):
        with contextlib.suppress(BaseException):  # as Keras has it
            signal.raise_signal(signal.SIGINT)
        return load(path)

    monkeypatch.setattr(loading, "_unpack", interrupted)
    with pytest.raises(KeyboardInterrupt):
        models.load_model("mobile")


@pytest.mark.parametrize(("error", "shown"), [(ValueError, "chatter"), (KeyboardInterrupt, "")])
def test_what_is_hidden_is_shown_with_an_exception_but_not_with_a_signal(capfd, error, shown):
    with pytest.raises(error), process.hidden_stderr():
        os.write(2, b"chatter")
        raise error
    assert capfd.readouterr().err == shown


def test_help_may_be_cut_short():
    read, write = os.pipe()
    os.close(read)  # as `| head` does once it has its lines
    with os.fdopen(write, "w") as pipe:
        found = subprocess.run(
            [sys.executable, "-m", "tfstyle", "optimize", "--help"],
            stdout=pipe, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    assert (found.returncode, found.stderr) == (128 + signal.SIGPIPE, "")


def test_a_config_names_the_command_that_makes_it():
    config = OptimizeConfig(size=300, style_weights=(0.5, 0.25), init="my photo.png")
    words = shlex.split(cli.command_line(config, "optimize.py"))
    assert words[0] == "optimize.py"
    assert cli.parse(OptimizeConfig, words[1:], "optimize.py") == config


def test_an_error_cannot_command_the_terminal(capfd):
    def main(_):
        raise InputError("\x1b]0;title\x07\x00name.png: no such file")

    assert cli.run(main, []) == 1
    assert capfd.readouterr().err == "error: ?]0;title??name.png: no such file\n"


def test_weights_that_would_overflow():
    for flag in (
        "--style_loss=gram:1e308",
        "--style_layers=relu1_1:1e308",
        "--style_weights=1e308",
    ):
        weights = [flag] if "layers" in flag or "loss" in flag else [flag, flag]
        styles = ["--style=a.png"] * len(weights)
        with pytest.raises(InputError, match="1000000"):
            config = cli.parse(OptimizeCommand, ["--content=b.png", *styles, *weights], "x")
            layer_names.parse_layers("style_layers", config.style_layers, "lite")
