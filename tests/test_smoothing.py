"""The guided filter against its definition, its properties, and the step of `stylize.py`."""

import itertools

import numpy as np
import pytest

from tests.model_examples import EXAMPLES
from tfstyle import images
from tfstyle.images import guided_filter
from tfstyle.stylization import Stylizer, smoothing


def window(center, radius, shape):
    """Slices of rows and columns of a window, inside of the picture."""
    return tuple(
        slice(max(k - radius, 0), min(k + radius + 1, length))
        for k, length in zip(center, shape, strict=True)
    )


def reference(image, guide, radius, epsilon):
    """Section 3.1 and equations 14 to 16 of He et al., window by window."""
    shape, channels = image.shape[:2], guide.shape[-1]
    models = {}
    for center in itertools.product(*map(range, shape)):
        inside = window(center, radius, shape)
        colors = guide[inside].reshape(-1, channels).astype(np.float64)
        values = image[inside].reshape(len(colors), -1).astype(np.float64)
        spread = np.cov(colors.T, bias=True) + epsilon * np.eye(channels)
        products = colors.T @ values / len(colors) - np.outer(colors.mean(0), values.mean(0))
        slope = np.linalg.inv(spread) @ products
        models[center] = slope, values.mean(0) - colors.mean(0) @ slope
    result = np.zeros(image.shape)
    for center in models:
        rows, columns = window(center, radius, shape)
        over = [models[k] for k in itertools.product(
            range(rows.start, rows.stop), range(columns.start, columns.stop))]  # fmt: skip
        slope, offset = (np.mean(parts, axis=0) for parts in zip(*over, strict=True))
        result[center] = guide[center] @ slope + offset
    return result


@pytest.mark.parametrize("strip", [256, 5])
def test_it_is_the_papers(strip, random, monkeypatch):
    monkeypatch.setattr(guided_filter, "_STRIP", strip)
    image, guide = (random.uniform(size=(17, 13, 3)).astype(np.float32) for _ in range(2))
    found = guided_filter.guided_filter(image, guide, 2, 1e-2)
    np.testing.assert_allclose(found, reference(image, guide, 2, 1e-2), atol=1e-6)


def test_radius_0_returns_the_picture(random):
    image, guide = (random.uniform(size=(9, 11, 3)).astype(np.float32) for _ in range(2))
    np.testing.assert_allclose(guided_filter.guided_filter(image, guide, 0), image, atol=1e-6)


def test_a_constant_guide_smooths_evenly(random):
    """A mean of means, for which all windows far from the border have one weight."""
    image = random.uniform(size=(31, 31, 3)).astype(np.float32)
    found = guided_filter.guided_filter(image, np.full((31, 31, 3), 0.3, "f4"), 3)
    triangle = np.convolve(np.ones(7), np.ones(7)) / 49
    kernel = np.outer(triangle, triangle)[..., None]
    for row, column in ((12, 12), (15, 18)):
        part = image[row - 6 : row + 7, column - 6 : column + 7]
        np.testing.assert_allclose(found[row, column], (part * kernel).sum((0, 1)), atol=1e-5)


def test_edges_of_the_guide_stay_and_noise_goes(random):
    guide = np.full((40, 40, 3), 0.2, "f4")
    guide[:, 20:] = [0.7, 0.5, 0.2]
    clean = np.where(np.arange(40)[:, None] < 20, [0.9, 0.1, 0.4], [0.1, 0.3, 0.8])[None]
    noisy = (clean + random.normal(0, 0.1, (40, 40, 3))).astype("f4")
    found = guided_filter.guided_filter(noisy, guide, 8)
    assert np.abs(found - clean).std() < 0.02
    jump = found[:, 20].mean(0) - found[:, 19].mean(0)
    np.testing.assert_allclose(jump, clean[0, 20] - clean[0, 19], atol=0.02)


def test_a_linear_change_of_colours_is_kept(photo):
    changed = np.clip(photo * [0.5, 0.8, 0.4] + [0.3, 0.0, 0.1], 0, 1).astype("f4")
    found = smoothing.photorealistic(changed, photo)
    np.testing.assert_allclose(found, changed, atol=0.02)
    np.testing.assert_array_equal(smoothing.photorealistic(photo, photo), photo)


def test_structure_that_the_photograph_lacks_goes(photo, random):
    """Strokes on a picture leave less than a quarter of them; the photo's detail stays."""
    strokes = np.repeat(np.repeat(random.normal(0, 0.1, (1, 16, 24, 3)), 4, 1), 4, 2)
    found = smoothing.photorealistic((photo + strokes).astype("f4"), photo)
    inside = (photo > 0.3) & (photo < 0.7)  # where nothing was cut
    assert np.std((found - photo)[inside]) < 0.5 * np.std(strokes)
    assert np.corrcoef(np.diff(found, axis=2).ravel(), np.diff(photo, axis=2).ravel())[0, 1] > 0.95


def test_a_model_paints_and_the_step_follows(photo, painting):
    stylizer = Stylizer(EXAMPLES["mobile"]())
    code = stylizer.encode_style(painting)
    both = np.concatenate([photo, photo[:, ::-1]])
    plain = stylizer.paint(both, code)
    found = stylizer.paint(both, code, photorealistic=True)
    np.testing.assert_array_equal(found, smoothing.photorealistic(plain, both))
    assert np.abs(found - plain).mean() > 1e-3
    np.testing.assert_allclose(stylizer.paint(photo, code, 0.0, photorealistic=True), photo,
                               atol=1e-6)  # fmt: skip


def test_the_program_has_the_step(examples, run_program, tmp_path):
    photo, style = (f"--{flag}={examples / file}" for flag, file in
                    (("content", "chelsea.jpg"), ("style", "mosaic.jpg")))  # fmt: skip
    flags = ["stylize.py", photo, style, "--model=mobile", "--size=128"]
    for extra in ([], ["--photorealistic"]):
        found = run_program(*flags, *extra, f"--output={tmp_path / f'{len(extra)}.png'}")
        assert found.returncode == 0, found.stderr
    plain, smooth = (images.read_image(tmp_path / f"{number}.png") for number in range(2))
    content = images.read_image(examples / "chelsea.jpg", 128)
    np.testing.assert_allclose(smooth, smoothing.photorealistic(plain, content), atol=0.02)
    found = run_program(*flags, "--photorealistic", "--wrap=both")
    assert found.returncode == 1
    assert "error: --photorealistic, --wrap: give one of the two" in found.stderr
