"""Kotlin for Android: compiled against the names of LiteRT's Java API, and run in its place.

The classes of tests/android stand in for Android's and LiteRT's. The compiler is that of the PyPI
package kotlin-jupyter-kernel, in the folder of the variable TFSTYLE_KOTLIN: `make android`.
"""

import os
import pathlib
import subprocess

import pytest

from tests.conftest import ROOT

_FOLDER = os.environ.get("TFSTYLE_KOTLIN", "")
_COMPILER = "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler"


def run(*command):
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.slow
@pytest.mark.skipif(not _FOLDER, reason="runs with `make android`")
def test_it_paints_what_the_networks_put_out(tmp_path):
    jars = next(pathlib.Path(_FOLDER).rglob("run_kotlin_kernel/jars"))
    (library,) = jars.glob("kotlin-stdlib-*.jar")
    classes, out = tmp_path / "classes", tmp_path / "out"
    folder = ROOT / "tests" / "android"
    run("javac", "-Xlint:all", "-Werror", "-d", classes, *folder.rglob("*.java"))
    sources = (ROOT / "export" / "android" / "StyleTransfer.kt", folder / "Check.kt")
    run(
        "java", "-cp", f"{jars}/*", _COMPILER, "-no-stdlib", "-no-reflect", "-Werror",
        "-cp", f"{classes}:{library}", "-d", out, *sources,
    )  # fmt: skip
    assert (
        run("java", "-cp", f"{classes}:{out}:{library}", "tfstyle.CheckKt") == "as it should be\n"
    )
