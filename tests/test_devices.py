"""What the programs find out about the machine."""

import subprocess
import sys
import types

import keras
import pytest

from tfstyle.runtime import devices


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("flags\t\t: fpu avx2 avx512f avx512_bf16\n", True),
        ("flags\t\t: fpu avx2 fma avx512f\n", False),
        ("flags\t\t: fpu amx_bf16 amx_tile\n", True),
        ("Features\t: fp asimd bf16 i8mm\n", True),
        ("Features\t: fp asimd\n", False),
        ("model name\t: something\n", True),  # not known
        (None, True),
    ],
)
def test_bfloat16_is_read_off_the_processors_flags(text, found, tmp_path, monkeypatch):
    monkeypatch.setattr(devices, "has_gpu", lambda: False)
    path = tmp_path / "cpuinfo"
    if text is not None:
        path.write_text("processor\t: 0\n" + text)
    assert devices.computes_bfloat16(str(path)) is found


def test_a_gpu_has_bfloat16(tmp_path, monkeypatch):
    monkeypatch.setattr(devices, "has_gpu", lambda: True)
    (tmp_path / "cpuinfo").write_text("flags\t: fpu\n")
    assert devices.computes_bfloat16(str(tmp_path / "cpuinfo"))


@pytest.mark.parametrize(
    ("backend", "module"),
    [
        ("jax", types.SimpleNamespace(default_backend=lambda: "gpu")),
        ("torch", types.SimpleNamespace(cuda=types.SimpleNamespace(is_available=lambda: True))),
    ],
)
def test_keras_backend_is_asked_for_a_gpu(backend, module, monkeypatch):
    monkeypatch.setitem(sys.modules, backend, module)
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    assert devices.has_gpu()


def test_many_functions_are_no_reason_for_a_warning():
    program = (
        "from tfstyle.runtime import devices; devices.start_tensorflow()\n"
        "import tensorflow as tf\n"
        "function = tf.function(lambda number: tf.constant(number))\n"
        "for number in range(12): function(number)\n"
        "tf.get_logger().warning('something else')"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.returncode == 0 and "something else" in result.stderr
    assert "retracing" not in result.stderr
