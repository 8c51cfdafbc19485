"""Metrics: golden values from independent code, properties, artifacts planted and found."""

import numpy as np
import pytest
import scipy.linalg
import scipy.ndimage
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from tests.golden import generate
from tfstyle import images, metrics
from tfstyle.colors import LUMA
from tfstyle.errors import InputError
from tfstyle.metrics.lpips import LPIPS
from tfstyle.metrics.pictures import directions

GOLDEN = np.load(generate.FOLDER / "lpips.npz")


@pytest.fixture(scope="module")
def pictures(examples):
    """Photographs and paintings at 256 pixels, by name."""
    return {
        name: images.cover(images.read_image(examples / f"{name}.jpg"), (256, 256))
        for name in ("astronaut", "chelsea", "brushstrokes", "ink_wash", "mosaic", "stained_glass")
    }


@pytest.fixture
def features(random):
    """Features of two pictures, `{layer: (1, h, w, c)}`."""
    shapes = {f"relu{block}_1": (1, 40 // block, 30, 4 * block) for block in range(1, 6)}
    return [
        {name: np.maximum(random.normal(size=shape), 0).astype("f4")
         for name, shape in shapes.items()}
        for _ in range(2)
    ]  # fmt: skip


def test_ssim_is_scikit_images(photo, random):
    other = np.clip(photo + random.normal(0, 0.1, photo.shape), 0, 1).astype("f4")
    grey = [(one[0].astype(float) @ LUMA) for one in (photo, other)]
    wanted = structural_similarity(
        *grey, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert 0.1 < wanted < 0.9
    assert metrics.ssim(photo, other) == pytest.approx(wanted, abs=1e-9)
    assert metrics.ssim(photo, photo) == pytest.approx(1.0)
    with pytest.raises(ValueError, match="shape="):
        metrics.ssim(photo[:, :10], photo[:, :10])
    for metric in (metrics.ssim, metrics.psnr, metrics.structure):
        with pytest.raises(ValueError, match="`image` must have the size of `reference`"):
            metric(photo, photo[:, 1:])


def test_psnr_is_scikit_images(photo, random):
    other = np.clip(photo + random.normal(0, 0.1, photo.shape), 0, 1).astype("f4")
    wanted = peak_signal_noise_ratio(photo.astype(float), other.astype(float), data_range=1.0)
    assert metrics.psnr(other, photo) == pytest.approx(wanted, abs=1e-9)
    assert metrics.psnr(photo, photo) == float("inf")


@pytest.mark.parametrize("samples", [400, 7])  # 7 samples of 12 features have singular covariances
def test_frechet_distance_is_that_of_scipys_matrix_root(random, samples):
    first = random.normal(size=(samples, 12)) @ random.normal(size=(12, 12))
    second = random.normal(size=(300, 12)) @ random.normal(size=(12, 12)) + 0.5
    one, two = metrics.Gaussian.of(first), metrics.Gaussian.of(second)
    np.testing.assert_allclose(one.covariance, np.cov(first.T, bias=True), rtol=1e-9)
    root = scipy.linalg.sqrtm(one.covariance @ two.covariance).real
    wanted = np.sum((one.mean - two.mean) ** 2) + np.trace(
        one.covariance + two.covariance - 2 * root
    )
    # SciPy's root of a singular matrix is exact to about the root of float64's precision.
    assert metrics.frechet_distance(one, two) == pytest.approx(wanted, rel=1e-5)
    assert metrics.frechet_distance(two, one) == pytest.approx(wanted, rel=1e-5)
    assert metrics.frechet_distance(one, one) == pytest.approx(0.0, abs=1e-5)


def test_perceptual_distance_is_that_of_the_lpips_package():
    first, second = generate.feature_maps()
    found = metrics.perceptual_distance(first, second)
    assert found == pytest.approx(float(GOLDEN["perceptual"]), rel=1e-5)
    assert metrics.perceptual_distance(first, first) == pytest.approx(0.0, abs=1e-6)


def test_lpips_is_that_of_the_lpips_package(tmp_path):
    np.savez(tmp_path / "lpips.npz", **generate.lpips_state())
    metric = LPIPS(tmp_path / "lpips.npz")
    first, second = (metric.features(picture) for picture in generate.pictures())
    # float32 convolutions of two libraries, 2,304 products a sum.
    assert metric.distance(first, second) == pytest.approx(float(GOLDEN["lpips"]), rel=1e-4)
    assert metric.distance(first, first) == 0.0


def test_lpips_refuses_other_files(tmp_path):
    np.savez(tmp_path / "other.npz", lin0=np.zeros(3))
    with pytest.raises(InputError, match="--lpips_weights: .*other.npz: not LPIPS' weights"):
        LPIPS(tmp_path / "other.npz")
    with pytest.raises(InputError, match="none.npz"):
        LPIPS(tmp_path / "none.npz")


def test_color_distance_is_a_float64_loop_over_sorted_projections(photo, painting):
    photo = images.resize(photo, (64, 64))  # as many pixels as quantiles
    total = 0.0
    for direction in directions().astype(float):
        ours, theirs = (np.sort(one.reshape(-1, 3).astype(float) @ direction)
                        for one in (photo, painting))  # fmt: skip
        total += np.mean((ours - theirs) ** 2) / len(directions())
    found = metrics.color_distance(
        metrics.color_quantiles(photo), metrics.color_quantiles(painting)
    )
    assert found == pytest.approx(np.sqrt(total), rel=1e-5)


def test_color_distance_sees_colours_and_not_places(photo):
    quantiles = metrics.color_quantiles(photo)
    mirrored = metrics.color_quantiles(photo[:, ::-1])
    assert metrics.color_distance(quantiles, mirrored) < 1e-6
    black, white = (np.full((1, side, 20, 3), value) for side, value in ((30, 0.0), (17, 1.0)))
    distance = metrics.color_distance(
        metrics.color_quantiles(black), metrics.color_quantiles(white)
    )
    # The mean square of a projection is |(1, 1, 1)|² / 3 over all directions; over few, about.
    assert distance == pytest.approx(1.0, rel=0.05)
    np.testing.assert_allclose(np.linalg.norm(directions(), axis=1), 1.0, rtol=1e-6)


def test_content_and_style_distance_are_float64_loops(features):
    image, target = features
    difference = image["relu4_1"].astype(float) - target["relu4_1"]
    wanted = np.mean(difference**2) / np.mean(target["relu4_1"].astype(float) ** 2)
    assert metrics.content_distance(image, target) == pytest.approx(wanted, rel=1e-6)
    errors, moment_errors = [], []
    for layer in target:
        flat = [one[layer].astype(float).reshape(-1, one[layer].shape[-1]) for one in features]
        ours, theirs = (one.T @ one / len(one) for one in flat)
        errors.append(np.mean((ours - theirs) ** 2) / np.mean(theirs**2))
        for statistic in (np.mean, np.std):
            ours, theirs = (statistic(one, axis=0) for one in flat)
            moment_errors.append(np.mean((ours - theirs) ** 2) / np.mean(theirs**2))
    grams = [metrics.gram_matrices(one) for one in features]
    moments = [metrics.means_and_stds(one) for one in features]
    # float32 products against float64; differences of nearly equal moments keep four digits.
    assert metrics.style_distance(*grams) == pytest.approx(np.mean(errors), rel=1e-3)
    assert metrics.mean_std_distance(*moments) == pytest.approx(np.mean(moment_errors), rel=1e-3)


def test_distances_are_zero_at_their_target(features):
    image, _ = features
    grams, moments = metrics.gram_matrices(image), metrics.means_and_stds(image)
    gaussian = metrics.single_image_gaussian(image)
    assert metrics.content_distance(image, image) == 0.0
    assert metrics.style_distance(grams, grams) == 0.0
    assert metrics.mean_std_distance(moments, moments) == 0.0
    assert metrics.frechet_distance(gaussian, gaussian) == pytest.approx(0.0, abs=1e-6)


def test_a_flat_target_gives_no_nan(features):
    image, target = features
    flat = {layer: np.full_like(maps, 0.5) for layer, maps in target.items()}
    moments = [metrics.means_and_stds(one) for one in (image, flat)]
    assert np.isfinite(metrics.mean_std_distance(*moments))
    assert metrics.mean_std_distance(moments[1], moments[1]) == 0.0


def test_style_distance_does_not_depend_on_places_or_size(features):
    image, target = features
    shuffled = {
        layer: np.concatenate([maps[:, ::-1], maps], axis=1) for layer, maps in target.items()
    }
    ours = metrics.style_distance(metrics.gram_matrices(image), metrics.gram_matrices(target))
    again = metrics.style_distance(metrics.gram_matrices(image), metrics.gram_matrices(shuffled))
    assert again == pytest.approx(ours, rel=1e-4)
    assert metrics.content_distance(
        {name: maps[:, :, ::-1] for name, maps in target.items()}, target
    ) > 0.1  # fmt: skip


def test_structure_is_of_outlines(pictures):
    photo = pictures["astronaut"]
    assert metrics.structure(photo, photo) == pytest.approx(1.0)
    assert metrics.structure(1.0 - photo, photo) == pytest.approx(1.0)
    assert metrics.structure(photo**2 * 0.5 + 0.3, photo) > 0.7
    assert abs(metrics.structure(pictures["mosaic"], photo)) < 0.2
    assert metrics.structure(np.full_like(photo, 0.5), photo) == 0.0


@pytest.mark.parametrize("shape", [(192, 288), (130, 100), (97, 64), (5, 200), (1, 1)])
def test_coarse_colors_are_means_of_boxes(random, shape):
    picture = random.uniform(size=(1, *shape, 3)).astype("f4")
    wanted = picture[0].astype(float)
    for axis, side in enumerate(shape):
        count = min(side, 96)  # each pixel, repeated so often, lies in whole boxes
        parts = np.split(np.repeat(wanted, count, axis), count, axis)
        wanted = np.stack([part.mean(axis) for part in parts], axis)
    np.testing.assert_allclose(metrics.coarse_colors(picture), wanted, rtol=1e-9)


def test_color_explained_is_that_of_multiple_correlations(photo, painting):
    painting = images.resize(painting, photo.shape[1:3])
    output = 0.4 * photo[..., ::-1] ** 2 + 0.6 * painting
    known, wanted = (one.reshape(-1, 3).astype(float) for one in (photo, output))
    explained = []
    for channel in wanted.T:
        r = np.corrcoef(np.column_stack([known, known**2, channel]).T)
        explained.append(channel.var() * r[-1, :-1] @ np.linalg.inv(r[:-1, :-1]) @ r[:-1, -1])
    found = metrics.color_explained(metrics.coarse_colors(output), metrics.coarse_colors(photo))
    assert 0.2 < found < 0.8
    assert found == pytest.approx(sum(explained) / wanted.var(axis=0).sum(), rel=1e-6)


def test_color_explained_is_of_one_map_of_colours(pictures, photo, random):
    def explained(picture, content=pictures["astronaut"]):
        return metrics.color_explained(*map(metrics.coarse_colors, (picture, content)))

    scale, square = np.array([0.3, -0.2, 0.5]), np.array([0.4, 0.5, -0.3])
    for content, least in ((photo, 1 - 1e-9), (pictures["astronaut"], 0.99)):  # 64 × 96: no means
        assert explained(0.2 + scale * content + square * content**2, content) >= least
        assert explained(1.0 - content, content) == pytest.approx(1.0)
        assert explained(np.full_like(content, 0.3), content) == 1.0
        # A fit of six terms to noise explains 6 of 6,144 or more values.
        assert explained(random.uniform(size=content.shape), content) < 0.01
        assert explained(content, np.full_like(content, 0.3)) == pytest.approx(0.0, abs=1e-9)
        assert 0.3 < explained(content, content.mean(-1, keepdims=True) * np.ones(3)) < 1
    mixed = [pictures["astronaut"] * (1 - t) + pictures["mosaic"] * t for t in (0, 0.3, 0.6, 1)]
    found = [explained(one) for one in mixed]
    assert found == sorted(found, reverse=True) and found[-1] < 0.3
    assert explained(photo[:, :1, :1], photo[:, 9:, 9:][:, :1, :1]) == 1.0
    with pytest.raises(ValueError, match="`colors` must have the shape of `content_colors`"):
        explained(photo, photo[:, 1:])


def test_sharpness_is_a_percentile_of_differences(photo):
    red, green, blue = np.moveaxis(photo[0].astype(float), -1, 0)
    plane = np.pad(0.299 * red + 0.587 * green + 0.114 * blue, 1, "reflect", reflect_type="odd")
    down, right = (
        scipy.ndimage.convolve1d(plane, [0.5, 0, -0.5], axis)[1:-1, 1:-1] for axis in (0, 1)
    )
    magnitudes = np.sort(np.sqrt(down**2 + right**2), axis=None)
    place = 0.95 * (magnitudes.size - 1)
    wanted = np.interp(place, np.arange(magnitudes.size), magnitudes)
    assert metrics.sharpness(photo) == pytest.approx(wanted, rel=1e-9)


def test_sharpness_is_of_steep_edges(pictures):
    for name, picture in pictures.items():
        sharp = metrics.sharpness(picture)
        assert sharp / metrics.sharpness(0.5 * picture) == pytest.approx(2.0), name
        assert metrics.sharpness(1.0 - picture) == pytest.approx(sharp), name
        blurred = [scipy.ndimage.gaussian_filter(picture, (0, by, by, 0)) for by in (1, 2)]
        assert sharp > 1.1 * metrics.sharpness(blurred[0]) > 1.2 * metrics.sharpness(blurred[1])
    ramp = np.linspace(0, 0.5, 51)[None, :, None, None] * np.ones((1, 51, 2, 3))
    assert metrics.sharpness(ramp) == pytest.approx(0.01)
    assert metrics.sharpness(np.full((1, 2, 2, 3), 0.3)) == metrics.sharpness(ramp / 1000) > 0
    with pytest.raises(ValueError, match="shape="):
        metrics.sharpness(np.zeros((1, 1, 9, 3)))


def checkerboard(picture, period, amplitude):
    """The picture with squares of half a period, of ± the amplitude."""
    half = period // 2
    sign = lambda side: 1 - 2 * (np.arange(side) // half % 2)
    return picture + amplitude * np.outer(*map(sign, picture.shape[1:3]))[None, :, :, None]


@pytest.mark.parametrize(("period", "least"), [(2, 2.3), (4, 2.0), (8, 0.75)])
def test_a_planted_checkerboard_is_found(pictures, period, least):
    for name, picture in pictures.items():
        clean = metrics.checkerboard_energy(picture)
        planted = metrics.checkerboard_energy(checkerboard(picture, period, 0.01))
        assert clean < 0.6, name
        # 2.55 grey levels, but for what a painting has itself at so low a frequency, and the tenth
        # that wide squares have at frequencies that are not looked at.
        assert least < planted < 3.0, name


def test_a_planted_frame_is_found(pictures):
    for name, picture in pictures.items():
        framed = picture.copy()
        framed[:, :3], framed[:, -3:], framed[:, :, :3], framed[:, :, -3:] = 0.0, 0.0, 0.0, 0.0
        assert metrics.border_energy(framed) > 2.5 * metrics.border_energy(picture), name
    assert metrics.border_energy(pictures["astronaut"]) < 2.0
    for detector in (metrics.border_energy, metrics.checkerboard_energy):
        with pytest.raises(ValueError, match="96"):
            detector(np.zeros((1, 95, 200, 3)))


def test_a_planted_seam_is_found_across_either_side(pictures):
    for name, picture in pictures.items():
        assert metrics.seam_energy(picture) < 3.0, name
        # One of two tiles came out darker by 12 grey levels; by 50 where bold strokes hide such.
        seamed = picture.copy()
        seamed[:, :, 100:] -= (12 if name in ("astronaut", "chelsea", "ink_wash") else 50) / 255
        assert metrics.seam_energy(seamed) > 1.3 * metrics.seam_energy(picture), name
        turned = metrics.seam_energy(seamed.transpose(0, 2, 1, 3))
        assert turned == pytest.approx(metrics.seam_energy(seamed))


def test_broken_pictures_are_known(photo):
    assert not metrics.is_constant(photo)
    assert metrics.is_constant(np.full((1, 8, 8, 3), 0.3) + [0.0, 0.2, 0.4])
    photo[0, 3, 4, 1] = np.nan
    assert metrics.is_constant(photo)
