"""Distances between pictures: what each measures, which way is better, and its range.

Functions of NumPy arrays: sums over pixels are in float64, products of features in float32, the
networks' type. Only `LPIPS` needs TensorFlow or Keras.

features.py   of an encoder's features: content, style, perceptual and Fréchet distances
pictures.py   of pixels: SSIM, PSNR, colours, structure, sharpness
temporal.py   of a frame of a clip and an earlier one
artifacts.py  of a single picture: borders, checkerboards, seams, blank pictures
lpips.py      the published LPIPS, if its weights are on disk
"""

import dataclasses

from tfstyle.metrics.artifacts import (
    border_energy,
    checkerboard_energy,
    is_constant,
    seam_energy,
)
from tfstyle.metrics.features import (
    CONTENT_LAYER,
    Gaussian,
    content_distance,
    cosine_distance,
    embedding,
    frechet_distance,
    gram_matrices,
    mean_std_distance,
    means_and_stds,
    perceptual_distance,
    single_image_gaussian,
    style_distance,
)
from tfstyle.metrics.pictures import (
    coarse_colors,
    color_distance,
    color_explained,
    color_quantiles,
    psnr,
    sharpness,
    ssim,
    structure,
)
from tfstyle.metrics.temporal import flat_flicker, warping_error


@dataclasses.dataclass(frozen=True)
class Metric:
    """How to read a number: `better` is "lower", "higher" or "near 1"."""

    better: str
    range: str
    meaning: str
    digits: int = 3


METRICS = {
    "content_distance": Metric(
        "lower", "0 …", "relative squared error of relu4_1 to the content's; 0 is the photo itself"
    ),
    "style_distance": Metric(
        "lower", "0 …", "relative squared error of Gram matrices to the style's, in five layers"
    ),
    "mean_std_distance": Metric(
        "lower", "0 …", "relative squared error of channel means and deviations to the style's"
    ),
    "color_distance": Metric(
        "lower", "0 … 1", "sliced Wasserstein-2 distance of the colours to the style's"
    ),
    "color_explained": Metric(
        "lower", "0 … 1", "R² of the colours fitted by the content's in the same places; 1 is a "
        "photo under one map of colours, 0 noise"
    ),
    "style_embedding": Metric(
        "lower", "0 … 2", "cosine distance of another style predictor's vectors to the style's"
    ),
    "single_image_frechet": Metric(
        "lower", "0 …", "Fréchet distance of features at relu3_1 to the style's, in SIFID's form",
        2,
    ),
    "ssim": Metric("higher", "-1 … 1", "structural similarity to the content's luminance"),
    "psnr": Metric("higher", "0 … ∞ dB", "peak signal-to-noise ratio to the content", 1),
    "perceptual_distance": Metric(
        "lower", "0 … 10", "distance of unit features to the content's, in LPIPS' form"
    ),
    "lpips": Metric("lower", "0 …", "LPIPS (AlexNet, v0.1) to the content"),
    "structure": Metric(
        "higher", "-1 … 1", "correlation of the strengths of edges, blurred, with the content's"
    ),
    "sharpness_to_content": Metric(
        "near 1", "0 …", "95th percentile of the luminance's gradient over the content's; 1 is as "
        "sharp", 2,
    ),
    "sharpness_to_style": Metric("near 1", "0 …", "the same over that of the style's", 2),
    "border_energy": Metric(
        "lower", "0 …", "lines along the picture's border over lines further in; about 1 is clean",
        2,
    ),
    "checkerboard_energy": Metric(
        "lower", "0 … 127", "amplitude, in grey levels of 255, of patterns that repeat every 2, 4 "
        "or 8 pixels", 2,
    ),
    "seam_energy": Metric(
        "lower", "0 …", "a step in brightness across the whole picture over the steps beside it; "
        "about 2 is usual", 2,
    ),
    "broken": Metric("lower", "0 or 1", "1 for a picture of one colour or with NaN"),
    "seconds": Metric("lower", "0 …", "to make the picture, the style's code given"),
}  # fmt: skip
SET_METRICS = {
    "frechet_to_styles": Metric(
        "lower", "0 …", "Fréchet distance of all pictures' mean features at relu5_1 to the styles'",
        1,
    ),
    "frechet_to_contents": Metric(
        "lower", "0 …", "the same to the contents'", 1
    ),
    "fid": Metric("lower", "0 …", "FID of all pictures to the styles", 1),
}  # fmt: skip
CLIP_METRICS = {
    "warping_error": Metric(
        "lower", "0 …", "mean squared difference to the last frame, moved along by the motion", 5
    ),
    "long_warping_error": Metric("lower", "0 …", "the same to the sixth frame before", 5),
    "flat_flicker": Metric(
        "lower", "0 … 255", "change of brightness from frame to frame where the photograph is flat",
        2,
    ),
    "sharpness_to_isolation": Metric(
        "near 1", "0 …", "sharpness over that of the same frames, painted by themselves", 2
    ),
}  # fmt: skip

__all__ = [
    "CLIP_METRICS",
    "CONTENT_LAYER",
    "METRICS",
    "SET_METRICS",
    "Gaussian",
    "Metric",
    "border_energy",
    "checkerboard_energy",
    "coarse_colors",
    "color_distance",
    "color_explained",
    "color_quantiles",
    "content_distance",
    "cosine_distance",
    "embedding",
    "flat_flicker",
    "frechet_distance",
    "gram_matrices",
    "is_constant",
    "mean_std_distance",
    "means_and_stds",
    "perceptual_distance",
    "psnr",
    "seam_energy",
    "sharpness",
    "single_image_gaussian",
    "ssim",
    "structure",
    "style_distance",
    "warping_error",
]
