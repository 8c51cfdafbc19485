"""Gives a draft the contrast and the mean of photographs, for pictures of lower strength.

    python -m tools.level_draft --model FILE --content_dir photos --output NEW_FILE

At full strength the last transform of a draft, that of pixels, leaves nothing of the contrast and
the mean of what the decoder makes, and so training at full strength lets them drift. At a lower
strength they show. One factor of all channels, and a shift of each, make no difference to the
transport between Gaussians, so pictures of full strength stay as they are, but for rounding.
"""

import numpy as np
from absl import app, flags

from tfstyle import images, models
from tfstyle.errors import InputError
from tfstyle.models.draft_revision import DraftRevisionModel
from tfstyle.models.guidance import halved
from tfstyle.runtime import devices

_MODEL = flags.DEFINE_string("model", None, "A .keras file or a packaged name.", required=True)
_CONTENT = flags.DEFINE_string("content_dir", None, "Folder of photographs.", required=True)
_OUTPUT = flags.DEFINE_string("output", None, "File (.keras or .npz) to write.", required=True)
_PICTURES = flags.DEFINE_integer("pictures", 32, "Photographs, evenly spread, that are read.")
_SIDE = 256  # pixels of a photograph


def level(model: DraftRevisionModel, photos: list[np.ndarray]) -> float:
    """Scales and shifts the draft's last layer; returns the factor.

    The factor is that of least squares, and the means become equal.

    Args:
        model: changed in place.
        photos: `(1, h, w, 3)` in [0, 1].
    """
    wanted = [np.asarray(halved(photo, model.halvings)) for photo in photos]
    found = [np.asarray(model.draft._reconstruct(photo)) for photo in wanted]
    pixels, target = (
        np.concatenate([one.reshape(-1, 3) for one in maps]) for maps in (found, wanted)
    )
    mean, target_mean = pixels.mean(0), target.mean(0)
    apart = pixels - mean
    factor = float((apart * (target - target_mean)).sum() / (apart * apart).sum())
    last = model.draft.decoder.get_layer("image")
    kernel, bias = last.get_weights()
    last.set_weights([factor * kernel, factor * (bias - mean) + target_mean])
    return factor


def main(argv):
    """Writes the levelled model."""
    del argv
    devices.start_tensorflow()
    model = models.load_model(_MODEL.value)
    if not isinstance(model, DraftRevisionModel):
        raise InputError(f"--model: {_MODEL.value} has no draft")
    found = images.find_pictures("content_dir", (_CONTENT.value,))
    chosen = found[:: max(1, len(found) // _PICTURES.value)]
    sides = (_SIDE, _SIDE)
    factor = level(model, [images.cover(images.read_image(path), sides) for path in chosen])
    if _OUTPUT.value.endswith(".npz"):
        models.pack_model(model, _OUTPUT.value)
    else:
        model.save(_OUTPUT.value)
    print(f"{_OUTPUT.value}: {factor:.3f} of the contrast, by {len(chosen)} photographs")


if __name__ == "__main__":
    app.run(main)
