"""`tfstyle stylize`: stylizes photos with a trained model, each in a moment."""

import dataclasses
import os
import pathlib
import sys
import time
from collections.abc import Sequence

import numpy as np
from absl import logging

from tfstyle import __version__, cli
from tfstyle.config import StylizeCommand
from tfstyle.errors import InputError

_PATHS = ("content", "style", "output")  # not among the parameters that a picture keeps


def main(argv: Sequence[str]) -> int | None:
    """Stylizes every photo in every style."""
    program = "stylize.py" if sys.argv[0].endswith("stylize.py") else "tfstyle stylize"
    config = cli.parse(StylizeCommand, argv, program)
    if config is None:
        return 0
    from tfstyle import devices, files, images, library, weights

    weights.model_path(config.model)
    contents = files.pictures("content", config.content)
    paintings = files.pictures("style", config.style)
    styles = library.StyleLibrary.load(config.style_library) if config.style_library else None
    names = _style_names(config, paintings, styles)
    outputs = _outputs(config, contents, names, paintings)
    pictures = [images.reduce(images.read_image(path), config.style_size) for path in paintings]

    devices.start_tensorflow()
    from tfstyle import colors, models, tiling

    model = models.load_model(config.model)
    for path, picture in zip(paintings, pictures, strict=True):
        model.check_picture(picture, f"--style: {path}")
    if styles:
        styles.check_model(model.code_identity(), config.style_library)
    next(iter(outputs.values())).parent.mkdir(parents=True, exist_ok=True)
    parameters = {
        "program": f"tfstyle stylize {__version__}",
        **{name: value for name, value in dataclasses.asdict(config).items() if name not in _PATHS},
    }
    codes = None
    failed = 0
    start = time.perf_counter()
    for number, path in enumerate(contents, 1):
        try:
            content = images.read_image(path, config.size or None)
            model.check_picture(content, path)
            alpha = images.read_alpha(path, config.size or None)
        except InputError as error:
            if len(contents) == 1:
                raise
            logging.error("error: %s", error)
            failed += 1
            continue
        photo, recolored = colors.prepare(content, pictures, config.preserve_color)
        if codes is None or config.preserve_color != "none":
            if styles:
                codes = [styles.blend({name: 1.0}) for name in config.style_name or styles.names()]
            else:
                codes = [np.asarray(model.encode_style(picture)) for picture in recolored]
            if config.style_weights:
                shares = np.array(config.style_weights) / sum(config.style_weights)
                codes = [np.asarray(sum(s * c for s, c in zip(shares, codes, strict=True)), "f4")]
        for name, code in zip(names, codes, strict=True):
            image = tiling.stylize(
                model, photo, code, config.strength, config.tile_size,
                on_progress=_show_tiles if len(outputs) == 1 else None,
            )  # fmt: skip
            if config.preserve_color == "luminance":
                image = colors.with_chroma(image, content)
            images.write_image(
                outputs[path, name],
                image,
                alpha=alpha,
                bits=config.bits,
                parameters={**parameters, "content": str(path), "style": name},
            )
        if len(outputs) > 1:
            left = (time.perf_counter() - start) * (len(contents) / number - 1)
            text = f"{number} of {len(contents)} photos, {left:.0f} s left"
            cli.show_progress(number / len(contents), text, final=number == len(contents))
    if failed:
        raise InputError(
            f"--content: {failed} of {len(contents)} photos could not be read; the others are "
            f"in {config.output}"
        )
    logging.info("Wrote %s.", config.output)
    return 0


def _show_tiles(done, tiles):
    cli.show_progress(done / tiles, f"{done} of {tiles} tiles", final=done == tiles)


def _style_names(config, paintings, styles):
    """The styles' names in the outputs' names; a mixture has one."""
    if styles:
        known = styles.names()
        styles.check_names(config.style_name)
        names = list(config.style_name or known)
        if not names:
            raise InputError(f"{config.style_library}: holds no styles; add some")
        flag = "--style_name"
    else:
        names = [path.stem for path in paintings]
        flag = "--style"
    if config.style_weights:
        if len(config.style_weights) != len(names):
            raise InputError(
                f"--style_weights: {len(config.style_weights)} given for {len(names)} {flag}"
            )
        return ["+".join(names)]
    return names


def _outputs(config, contents, names, paintings):
    """`{(content, style name): path}`; checked to be writable, distinct and no input."""
    from tfstyle import files, images
    from tfstyle.library import safe_name

    pairs = [(path, name) for path in contents for name in names]
    output = pathlib.Path(config.output)
    if output.suffix and not output.is_dir() and (len(pairs) == 1 or _is_picture(output)):
        if len(pairs) > 1:
            raise InputError(
                f"--output: {len(pairs)} pictures cannot be one file, {output}; give a folder"
            )
        images.check_output(output, config.bits, config.size)
        outputs = {pairs[0]: output}
    else:
        files.check_folder("output", output)
        outputs, taken = {}, {}
        for path, name in pairs:
            file = f"{path.stem}__{safe_name(name)}.png"
            key = file.casefold()  # as some systems see it
            if key in taken:
                raise InputError(
                    f"--output: {output / file} would be written twice, for {taken[key]} and "
                    f"{path}, style {name}; rename a photo or a painting"
                )
            taken[key] = f"{path}, style {name}"
            outputs[path, name] = output / file
    inputs = {os.path.realpath(path) for path in (*contents, *paintings)}
    for path in outputs.values():
        if os.path.realpath(path) in inputs:
            raise InputError(f"--output: {path} is also read; give it another name")
    return outputs


def _is_picture(path):
    from tfstyle import images

    return path.suffix.lower() in images.SUFFIXES
