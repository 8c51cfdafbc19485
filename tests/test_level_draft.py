"""A draft's contrast and mean are made those of photographs."""

import subprocess
import sys

import numpy as np

from tests.conftest import ROOT
from tests.model_examples import make_revision
from tfstyle import images, models


def test_full_strength_stays_and_the_draft_is_level(photo, painting, tmp_path):
    model = make_revision(blocks=1)
    last = model.draft.decoder.get_layer("image")
    last.set_weights([5.0 * last.get_weights()[0], np.float32([1.0, -2.0, 0.5])])
    model.save(tmp_path / "model.keras")
    (tmp_path / "photos").mkdir()
    for turn in range(2):
        images.write_image(tmp_path / "photos" / f"{turn}.png", photo[:, :, :: 1 - 2 * turn])
    output = tmp_path / "level.npz"
    command = [
        sys.executable, "-m", "tools.level_draft", f"--model={tmp_path / 'model.keras'}",
        f"--content_dir={tmp_path / 'photos'}", f"--output={output}",
    ]  # fmt: skip
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0 and "by 2 photographs" in result.stdout, result.stderr
    level = models.load_model(output)
    found, expected = (one.stylize(photo, one.encode_style(painting)) for one in (level, model))
    np.testing.assert_allclose(found, expected, atol=5e-3)  # half precision
    small = images.cover(images.read_image(tmp_path / "photos" / "0.png"), (256, 256))
    small = np.asarray(small).reshape(1, 128, 2, 128, 2, 3).mean((2, 4))
    mirrored = np.concatenate([small, small[:, :, ::-1]])
    draft = np.asarray(level.draft._reconstruct(mirrored))
    np.testing.assert_allclose(draft.mean((0, 1, 2)), mirrored.mean((0, 1, 2)), atol=5e-3)
    apart, target = (one - one.mean((0, 1, 2)) for one in (draft, mirrored))
    assert abs((apart * target).sum() / (apart * apart).sum() - 1) < 0.01, "least squares"
