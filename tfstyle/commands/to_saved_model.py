"""`tfstyle to_saved_model`: exports a trained model for servers."""

from absl import logging

from tfstyle.config import SavedModelCommand
from tfstyle.errors import InputError
from tfstyle.runtime import terminal

TOLERANCE = 1e-4  # for values in [0, 1]; about 1e-6 on CPUs, more with TF32 on GPUs


FLAGS = SavedModelCommand


def main(config: SavedModelCommand) -> int | None:
    """Writes the SavedModel, after loading it and comparing it with the Keras model."""
    from tfstyle import files
    from tfstyle.models import packaged
    from tfstyle.runtime import devices

    packaged.model_path(config.model)
    files.check_new_folder("output", config.output)
    terminal.show_progress(None, "loading TensorFlow")
    devices.start_tensorflow()
    from tfstyle import models
    from tfstyle.exporting import saved_model

    model = models.load_model(config.model).for_inference()
    terminal.show_progress(None, "writing and comparing the SavedModel")
    with files.new_folder("output", config.output) as folder:
        saved_model.write_saved_model(model, folder)
        difference = saved_model.largest_difference(model, folder)
        if not difference <= TOLERANCE:
            raise InputError(
                f"--model: {config.model}: the SavedModel's pictures differ by {difference:.1e} "
                f"from the Keras model's, above the limit of {TOLERANCE:.0e}; nothing was written"
            )
    logging.info("Wrote %s; largest difference from the model %.1e.", config.output, difference)
    return 0
