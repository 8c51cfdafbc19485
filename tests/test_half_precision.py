"""Exported float files in the half precision of phones' GPUs, which flush small numbers to zero."""

import numpy as np
import pytest
import tensorflow as tf

from tests import half_precision
from tests.model_examples import EXAMPLES
from tfstyle import images, models, statistics
from tfstyle.exporting import tflite
from tfstyle.exporting.signatures import (
    ENCODE_STYLE,
    ENCODE_WHOLE,
    TRANSFER,
    TRANSFER_TILE,
    Signatures,
)
from tfstyle.metrics import psnr
from tfstyle.runtime.litert import Network

SIZE = (64, 64)


def with_a_dead_channel():
    """A narrow AdaIN model on features as large as VGG-19's, one of them always 0."""
    model = EXAMPLES["adain"]().for_inference()
    last = model.encoder.get_layer("conv4_1")
    kernel, bias = (np.array(weight) for weight in last.weights)
    kernel *= 1000.0 / model.decoder.feature_scale
    kernel[..., 0], bias[0] = 0.0, -1.0
    last.set_weights([kernel, bias])
    return models.AdaINModel.on_encoder(model.encoder)


@pytest.fixture(scope="module")
def file():
    """The bytes of a file with all signatures of a model; those with matrix roots need float32."""
    signatures = Signatures(with_a_dead_channel(), SIZE)
    names = (ENCODE_STYLE, TRANSFER, ENCODE_WHOLE, TRANSFER_TILE)
    entries = [tflite.entries_of(signatures.by_name[name], [SIZE], SIZE)[0] for name in names]
    return tflite.convert(signatures.model, entries, "float32")


def pictures_of(file, run, photo, painting):
    """Of its transfer networks; `run` takes a file, a signature and its inputs."""
    inputs = {"content": photo, "strength": np.ones(1, np.float32)}
    inputs.update(run(file, ENCODE_STYLE, {"style": painting}))
    yield run(file, TRANSFER, inputs)["stylized"]
    inputs.update(run(file, ENCODE_WHOLE, inputs))
    yield run(file, TRANSFER_TILE, inputs)["stylized"]


def run_in_float32(file, key, inputs):
    network = Network(file, 1, key)
    return network.run(key, {name: inputs[name] for name in network.inputs(key)})


def test_pictures_are_those_of_float32(file, photo, painting):
    """Measured: 50 dB and more; 34 for pictures of one colour, whose deviations are all zero."""
    photo, gray = photo[:, :, :64], np.full((1, *SIZE, 3), 0.5, np.float32)
    for content, style, least in ((photo, painting, 46), (gray, painting, 30), (photo, gray, 46)):
        expected = pictures_of(file, run_in_float32, content, style)
        found = pictures_of(file, half_precision.run, content, style)
        for one, other in zip(found, expected, strict=True):
            assert np.isfinite(one).all()
            assert psnr(one, other) > least


def test_constants_are_not_flushed_to_zero(file):
    """Epsilons, divisors and scales; 1e-4 is rounded to a little less."""
    scalars = [abs(one) for one in half_precision.scalars_of(file) if one]
    assert len(scalars) > 4 and min(scalars) > 0.99e-4


def test_covariances_of_many_pixels(examples):
    """Sums of 384 × 384 pixels' products, or a share of one pixel, are no half numbers."""
    picture = images.cover(images.read_image(examples / "chelsea.jpg"), (384, 384))
    function = tf.function(
        lambda picture: {"covariance": statistics.covariance(picture)[1]},
        input_signature=[tf.TensorSpec((1, 384, 384, 3), name="picture")],
    )
    module = tf.Module()
    module.encode = function
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [function.get_concrete_function()], module
    )
    inputs = {"picture": picture.astype(np.float32)}
    found = half_precision.run(converter.convert(), "serving_default", inputs)["covariance"]
    np.testing.assert_allclose(found, statistics.covariance(picture)[1], atol=5e-4)
