"""What the programs find out about the machine."""

import pytest

from tfstyle import devices


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
