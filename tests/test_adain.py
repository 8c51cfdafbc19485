"""AdaIN: the paper's equations in float64."""

import numpy as np
import pytest

from tests.model_examples import make_adain
from tfstyle import encoders, models
from tfstyle.models import adain


def reference_mean_and_std(features):
    return features.mean((1, 2)), features.std((1, 2))


def test_the_loss_is_the_papers_with_relative_errors(photo, painting):
    model = make_adain(content_weight=0.5, style_weight=3.0)
    content, style = photo[:, :, :64], painting
    terms = model.loss_terms({"content": content, "style": style})
    features = {k: np.asarray(v, float) for k, v in model.encoder(style).items()}
    before = np.asarray(model.encoder(content)["relu4_1"], float)
    mean, std = (part[:, None, None] for part in reference_mean_and_std(before))
    style_mean, style_std = reference_mean_and_std(features["relu4_1"])
    target = (before - mean) / np.sqrt(std**2 + 1e-5) * style_std[:, None, None]
    target = target + style_mean[:, None, None]
    image = model.decoder(target.astype("float32"))
    after = {k: np.asarray(v, float) for k, v in model.encoder(image).items()}
    error = ((after["relu4_1"] - target) ** 2).mean() / (target**2).mean()
    assert float(terms["content/relu4_1"]) == pytest.approx(0.5 * error, rel=1e-3)
    for layer in ("relu1_1", "relu2_1", "relu3_1", "relu4_1"):
        found, wanted = (
            reference_mean_and_std(after[layer]),
            reference_mean_and_std(features[layer]),
        )
        error = sum(((a - b) ** 2).mean() for a, b in zip(found, wanted, strict=True))
        error /= sum((b**2).mean() for b in wanted)
        assert float(terms[f"style/{layer}"]) == pytest.approx(3.0 / 4 * error, rel=1e-3)


def test_strength_interpolates_features(photo, painting):
    """Equation 14, through the decoder, normalized by the photo's own code; then faded."""
    model = make_adain()
    code = model.encode_style(painting)
    style, own = code["statistics"], model.encode_style(photo)["statistics"]
    features = model.encoder(model.padding(photo))["relu4_1"]
    mixed = 0.3 * model.adain(features, style, own) + 0.7 * features
    start, (height, width) = adain.MARGIN, photo.shape[1:3]
    decoded = model.decoder(mixed)[:, start : start + height, start : start + width]
    expected = 0.49 * photo + 0.51 * decoded
    np.testing.assert_allclose(model.stylize(photo, code, 0.3), expected, atol=1e-6)


def test_the_decoder_mirrors_the_encoder():
    decoder = adain.Decoder((4, 6, 8, 10))
    decoder.build((None, None, None, 10))
    shapes = [tuple(v.shape[2:]) for v in decoder.weights if len(v.shape) == 4]
    assert shapes == [
        (10, 8), (8, 8), (8, 8), (8, 8), (8, 6), (6, 6), (6, 4), (4, 4), (4, 3)
    ]  # fmt: skip
    assert decoder(np.zeros((1, 5, 7, 10), "float32")).shape == (1, 40, 56, 3)


def test_an_encoder_with_other_taps_is_refused():
    with pytest.raises(ValueError, match="Received: taps="):
        models.AdaINModel(encoders.VGG19(["relu4_1"], widths=(4, 6, 8, 10, 10)))
