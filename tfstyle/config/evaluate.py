"""The flags of `evaluate.py`."""

import dataclasses

from tfstyle.config.options import check_options, option
from tfstyle.errors import InputError


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvaluateCommand:
    """The flags of `evaluate.py`. Raises InputError for a value out of range."""

    content_dir: str = option("", "Folder of photographs.", section="Files")
    style_dir: str = option("", "Folder of paintings.", section="Files")
    output_dir: str = option(
        "evaluation", "Folder for the results: report.html, tables, metrics.csv, the pictures. "
        "With an existing folder, only what is missing is made.", section="Files",
    )  # fmt: skip
    page: str = option(
        "", "Markdown file (.md) for the tables, too, with a contact sheet (.jpg) beside it.",
        section="Files",
    )  # fmt: skip
    model: tuple[str, ...] = option(
        (), "A packaged model's name or a .keras file; NAME=FILE gives it a name; repeat it. "
        "`quality` if there is nothing else to measure.", section="Systems",
    )  # fmt: skip
    tflite: tuple[str, ...] = option(
        (), "Two TFLite files, STYLE_ENCODER,TRANSFER, or NAME=STYLE_ENCODER,TRANSFER; repeat it.",
        section="Systems",
    )  # fmt: skip
    images: tuple[str, ...] = option(
        (), "NAME=FOLDER with pictures made elsewhere, called CONTENT__STYLE.png; repeat it.",
        section="Systems",
    )  # fmt: skip
    optimize: bool = option(
        False, "Measures optimize.py with its defaults, too.", section="Systems"
    )
    baseline: str = option(
        "", "System that the others are compared with, pair by pair; by default the first one.",
        section="Systems",
    )  # fmt: skip
    size: int = option(
        384, "Side of the pictures in pixels: the centre square of each, resized.",
        section="Measurement",
    )  # fmt: skip
    engine: str = option(
        "local", "What makes and measures pictures: this machine, or the workers of a Ray cluster, "
        "of which all machines need the same network folders: that of the variable RAY_ADDRESS, or "
        "else one of this machine.", section="Workers", choices=("local", "ray"),
    )  # fmt: skip
    workers: int = option(
        0, "Number of workers of the cluster. 0 for one for each GPU, or processor if there is "
        "none.", section="Workers",
    )  # fmt: skip
    pairs: int = option(
        0, "Number of pairs, evenly spread; 0 for every photograph with every painting.",
        section="Measurement",
    )  # fmt: skip
    optimize_pairs: int = option(
        40, "Number of pairs, evenly spread, for --optimize; 0 for all.", section="Measurement"
    )
    sweep_pairs: int = option(
        20, "Number of pairs, evenly spread, to measure at strengths from 0 to 1; 0 for none.",
        section="Measurement",
    )  # fmt: skip
    clip: tuple[str, ...] = option(
        (), "Video to measure flicker on, too, of each --model: frames by themselves, and as "
        "video.py paints them; repeat it.", section="Clips",
    )  # fmt: skip
    clip_frames: int = option(40, "Number of frames, from the beginning.", section="Clips")
    clip_styles: int = option(2, "Number of paintings, the first ones.", section="Clips")
    encoder: str = option(
        "vgg19", "Network whose features are compared: vgg19, lite (eight times as fast), or a "
        "SavedModel folder that returns features by name.", section="Measurement",
    )  # fmt: skip
    vgg_weights: str = option(
        "", "Keras' file of VGG-19's weights, instead of the packaged ones.", section="Measurement"
    )
    lpips_weights: str = option(
        "", "Published weights of LPIPS with AlexNet (.npz), to add that metric.",
        section="Measurement",
    )  # fmt: skip
    fid_network: str = option(
        "", "SavedModel folder of FID's published Inception network, to add that metric.",
        section="Measurement",
    )  # fmt: skip
    style_network: str = option(
        "", "TFLite file of a style predictor, such as Magenta's, to add the distance between its "
        "vectors of the picture and of the style.", section="Measurement",
    )  # fmt: skip
    report_pairs: int = option(
        60, "Number of pairs, evenly spread, whose pictures the report shows.", section="Report"
    )
    sheet_pairs: int = option(12, "Number of pairs on the contact sheet.", section="Report")

    def __post_init__(self):
        many = (0, 1_000_000)
        check_options(
            self,
            {
                "size": (128, 4096),
                "workers": (0, 10_000),
                "pairs": many,
                "optimize_pairs": many,
                "sweep_pairs": many,
                "report_pairs": many,
                "sheet_pairs": (1, 100),
                "clip_frames": (8, 500),
                "clip_styles": (1, 1_000_000),
            },
        )
        for flag in ("content_dir", "style_dir", "output_dir"):
            if not getattr(self, flag):
                raise InputError(f"--{flag}: give the folder")
        if self.workers and self.engine == "local":
            raise InputError(f"--workers={self.workers}: is for --engine=ray; omit it")
        if self.vgg_weights and self.encoder != "vgg19":
            raise InputError(f"--vgg_weights: is not used with --encoder={self.encoder}; omit one")
        if self.page and not self.page.endswith(".md"):
            raise InputError(f"--page: {self.page}: the suffix must be .md")
