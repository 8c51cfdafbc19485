"""`tfstyle stylize`: stylizes photos with a trained model."""

import dataclasses
import functools
import os
import pathlib
import time

from absl import logging

from tfstyle import __version__
from tfstyle.config import StylizeCommand
from tfstyle.errors import InputError, of_flag
from tfstyle.runtime import terminal

FLAGS = StylizeCommand
_PATHS = ("content", "style", "output")  # left out of the parameters that a picture stores


def main(config: StylizeCommand) -> int | None:
    """Stylizes every photo in every style."""
    from tfstyle import images
    from tfstyle.models import packaged
    from tfstyle.runtime import devices
    from tfstyle.stylization import StyleLibrary

    packaged.model_path(config.model)
    if not (config.style or config.style_library or config.style_name):
        config = _with_own_style(config, packaged.own_styles(config.model))
    contents = images.find_pictures("content", config.content)
    paintings = images.find_pictures("style", config.style)
    with of_flag("style_library"):
        library = StyleLibrary.load(config.style_library) if config.style_library else None
    names = _style_names(config, paintings, library)
    outputs = _outputs(config, contents, names, paintings)
    given = len(paintings)
    names, paintings, pictures = _read_paintings(config, names, paintings)
    statistics_of = None
    if config.statistics_of:
        with of_flag("statistics_of"):
            statistics_of = images.read_image(config.statistics_of, config.tile_size, enlarge=False)

    terminal.show_progress(None, "loading TensorFlow")
    devices.start_tensorflow()
    stylizer = _load_stylizer(config)
    names, paintings, pictures = _check_paintings(config, stylizer, names, paintings, pictures)
    if library:
        library.check_model(stylizer.model.code_identity(), config.style_library)
        for name in config.style_name or library.names():
            stylizer.check_code(library.code(name), f"{config.style_library}: style '{name}'")
    codes_for = _codes(config, stylizer, library, pictures)
    terminal.show_progress(None, "encoding the styles")
    codes_for(None)  # errors are raised before anything is written
    next(iter(outputs.values())).parent.mkdir(parents=True, exist_ok=True)
    paint = functools.partial(
        stylizer.paint, strength=config.strength, preserve_color=config.preserve_color,
        statistics_of=statistics_of, wrap=config.wrap, photorealistic=config.photorealistic,
    )  # fmt: skip
    failed = _paint_all(config, stylizer, paint, codes_for, contents, names, outputs)
    bad = {"--content": (failed, len(contents), "photos"),
           "--style": (given - len(paintings), given, "paintings")}  # fmt: skip
    found = [f"{flag}: {n} of {count} {kind}" for flag, (n, count, kind) in bad.items() if n]
    if found:
        raise InputError(
            f"{' and '.join(found)} could not be read; the others are in {config.output}"
        )
    logging.info("Wrote %s.", config.output)
    return 0


def _with_own_style(config, own):
    """The config with the model's only style; InputError if there is none, or a choice."""
    if len(own) == 1:
        return dataclasses.replace(config, style_name=tuple(own))
    if own:
        raise InputError(f"--style_name: give one of the model's styles, {', '.join(own)}")
    raise InputError(
        "--style: give the painting to take the style of, or --style_library, or --style_name for "
        "a model that has named styles"
    )


def _load_stylizer(config):
    from tfstyle.models.capabilities import Tileable, require
    from tfstyle.stylization import Stylizer

    stylizer = Stylizer(config.model, config.tile_size)
    for flag in ("tile_size", "wrap", "statistics_of"):
        if getattr(config, flag) != getattr(StylizeCommand, flag):
            require(stylizer.model, Tileable, f"--{flag}")
    return stylizer


def _read_paintings(config, names, paintings):
    """Names, files and pictures of the paintings that can be read; errors of others are logged."""
    from tfstyle import images

    with of_flag("style"):
        read = images.read_each(
            paintings, lambda path: images.read_image(path, config.style_size, enlarge=False)
        )
    return _usable(config, names, paintings, read)


def _check_paintings(config, stylizer, names, paintings, pictures):
    """The same without paintings that are too small for the model."""
    from tfstyle import images

    def check(number):
        stylizer.model.check_picture(pictures[number], f"--style: {paintings[number]}")
        return pictures[number]

    return _usable(config, names, paintings, images.read_each(range(len(paintings)), check))


def _usable(config, names, paintings, pictures):
    """Names, files and pictures of the styles, without paintings that could not be read."""
    found = [number for number, picture in enumerate(pictures) if picture is not None]
    if len(found) == len(paintings):
        return names, paintings, pictures
    if not found or config.style_weights:
        mixed = "; a mixture needs them all" if found else ""
        bad = len(paintings) - len(found)
        raise InputError(f"--style: {bad} of {len(paintings)} paintings could not be read{mixed}")
    return [[items[number] for number in found] for items in (names, paintings, pictures)]


def _codes(config, stylizer, library, pictures):
    """The function from a photo to the codes of all styles, or of their mixture."""
    known = None

    def codes_for(content):
        nonlocal known
        recolored = config.preserve_color if content is not None else "none"
        if known is None or pictures and recolored != "none":
            if library:
                known = [library.code(name) for name in config.style_name or library.names()]
            elif pictures:
                known = stylizer.encode_styles(pictures, content, recolored)
            else:
                known = [stylizer.named_style(name) for name in config.style_name]
            if config.style_weights:
                known = [stylizer.mix(known, config.style_weights)]
        return known

    return codes_for


def _paint_all(config, stylizer, paint, codes_for, contents, names, outputs):
    """Writes all pictures; returns the number of photos that could not be read."""
    done: list[pathlib.Path] = []
    try:
        return _paint(config, stylizer, paint, codes_for, contents, names, outputs, done)
    except KeyboardInterrupt as error:
        kept = f"{len(done)} of {len(outputs)} pictures are in {config.output}"
        error.add_note(f"{kept}; the same command paints all again" if done else "nothing written")
        raise


def _paint(config, stylizer, paint, codes_for, contents, names, outputs, done):
    """As `_paint_all`; adds the files that it writes to `done`."""
    from tfstyle import images

    start, passed = time.perf_counter(), 0

    def show(tiles_done=0, tiles=1):
        share = (passed + 0.95 * tiles_done / tiles) / len(outputs)  # the rest is for the file
        details = [f"{passed} of {len(outputs)} pictures"] if len(outputs) > 1 else []
        if tiles > 1:
            details.append(f"{tiles_done} of {tiles} tiles")
        left = (time.perf_counter() - start) * (1.0 / share - 1.0) if share else None
        terminal.show_progress(share, *details, remaining=left)

    parameters = {
        "program": f"tfstyle stylize {__version__}",
        **{name: value for name, value in dataclasses.asdict(config).items() if name not in _PATHS},
    }
    failed = 0
    show()
    for path in contents:
        try:
            with of_flag("content"):
                content = images.read_image(path, config.size or None)
                stylizer.check_photo(content, path)
                alpha = images.read_alpha(path, config.size or None)
        except InputError as error:
            if len(contents) == 1:
                raise
            logging.error("error: %s", error)
            failed += 1
            passed += len(names)
            show()
            continue
        for name, code in zip(names, codes_for(content), strict=True):
            image = paint(content, code, on_progress=show)
            images.write_image(
                outputs[path, name],
                image,
                alpha=alpha,
                bits=config.bits,
                parameters={**parameters, "content": str(path), "style": name},
            )
            done.append(outputs[path, name])
            passed += 1
            show()
    return failed


def _style_names(config, paintings, library):
    """Names of the styles for the output files; a mixture has one."""
    from tfstyle import images

    if library:
        known = library.names()
        library.check_names(config.style_name)
        names = list(config.style_name or known)
        if not names:
            raise InputError(f"{config.style_library}: holds no styles; add some")
        flag = "--style_name"
    elif paintings:
        names = images.distinct_names(paintings)
        flag = "--style"
    else:
        names, flag = list(config.style_name), "--style_name"
    if config.style_weights:
        if len(config.style_weights) != len(names):
            raise InputError(
                f"--style_weights: {len(config.style_weights)} given for {len(names)} {flag}"
            )
        return ["+".join(names)]
    return names


def _outputs(config, contents, names, paintings):
    """`{(content, style name): path}`, checked to be writable, distinct and not inputs."""
    from tfstyle import files, images
    from tfstyle.stylization.library import safe_name

    stems = dict(zip(contents, images.distinct_names(contents), strict=True))
    pairs = [(path, name) for path in contents for name in names]
    output = pathlib.Path(config.output)
    if output.suffix and not output.is_dir() and (len(pairs) == 1 or _is_picture(output)):
        if len(pairs) > 1:
            raise InputError(
                f"--output: {len(pairs)} pictures cannot be one file, {output}; give a folder"
            )
        with of_flag("output"):
            images.check_output(output, config.bits, config.size)
        outputs = {pairs[0]: output}
    else:
        files.check_folder("output", output)
        outputs = {}
        taken: dict[str, str] = {}
        for path, name in pairs:
            file = f"{stems[path]}__{safe_name(name)}.png"
            key = file.casefold()  # some file systems ignore case
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
