"""`tfstyle stylize`: stylizes photos with a trained model."""

import dataclasses
import functools
import pathlib

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
    from tfstyle.stylization import StyleLibrary, engines

    packaged.model_path(config.model)
    if not (config.style or config.style_library or config.style_name):
        config = _with_own_style(config, packaged.own_styles(config.model))
    contents = images.find_pictures("content", config.content)
    paintings = images.find_pictures("style", config.style)
    with of_flag("style_library"):
        library = StyleLibrary.load(config.style_library) if config.style_library else None
    names = _style_names(config, paintings, library)
    outputs = images.pair_outputs(
        config.output, contents, names, paintings, config.bits, config.size
    )
    given = len(paintings)
    engine = engines.choose(config, contents)
    cache = _cache(config, engine)
    names, paintings, pictures = _read_paintings(config, names, paintings, cache)
    statistics_of = None
    if config.statistics_of:
        with of_flag("statistics_of"):
            statistics_of = images.read_image(config.statistics_of, config.tile_size, enlarge=False)

    stylizer = _load_stylizer(config, engines.start(engine))
    names, paintings, pictures = _check_paintings(config, stylizer, names, paintings, pictures)
    if library:
        library.check_model(stylizer.model.code_identity(), config.style_library)
        for name in config.style_name or library.names():
            stylizer.check_code(library.code(name), f"{config.style_library}: style '{name}'")
    codes_for = _codes(config, stylizer, library, paintings, pictures, cache)
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


def _load_stylizer(config, engine):
    from tfstyle.models.capabilities import Tileable, require
    from tfstyle.stylization import Stylizer

    stylizer = Stylizer(config.model, config.tile_size, engine=engine)
    for flag in ("tile_size", "wrap", "statistics_of"):
        if getattr(config, flag) != getattr(StylizeCommand, flag):
            require(stylizer.model, Tileable, f"--{flag}")
    return stylizer


def _cache(config, engine):
    """The cache of codes, or None where it would not help, or not be right."""
    from tfstyle.models import exported
    from tfstyle.stylization.code_cache import CodeCache

    folder = exported.folder_of(config.model)
    if engine == "keras" or not folder or config.no_cache or config.preserve_color != "none":
        return None  # Keras takes longer to start; recoloured paintings are others
    codes = exported.describe(folder)["codes"]
    return CodeCache(f"{codes} {engine} {config.style_size}")


def _read_paintings(config, names, paintings, cache):
    """Names, files and pictures of the paintings that can be read; errors of others are logged.

    Instead of a picture, there is its code, a dict, if the cache has it.
    """
    from tfstyle import images

    def read(path):
        known = cache and cache.get(path)
        return known or images.read_image(path, config.style_size, enlarge=False)

    with of_flag("style"):
        found = images.read_each(paintings, read)
    return _usable(config, names, paintings, found)


def _check_paintings(config, stylizer, names, paintings, pictures):
    """The same without paintings that are too small for the model."""
    from tfstyle import images

    def check(number):
        if not isinstance(pictures[number], dict):
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


def _codes(config, stylizer, library, paintings, pictures, cache):
    """The function from a photo to the codes of all styles, or of their mixture."""
    known = None

    def cached():
        for path, picture in zip(paintings, pictures, strict=True):
            if isinstance(picture, dict):
                yield picture
            else:
                code = stylizer.encode_style(picture)
                cache.put(path, code)
                yield code

    def codes_for(content):
        nonlocal known
        recolored = config.preserve_color if content is not None else "none"
        if known is None or pictures and recolored != "none":
            if library:
                known = [library.code(name) for name in config.style_name or library.names()]
            elif cache and pictures:
                known = list(cached())
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
    from tfstyle.stylization import background

    progress = terminal.PictureProgress(len(outputs))

    def show(tiles_done=0, tiles=1):
        details = [f"{tiles_done} of {tiles} tiles"] if tiles > 1 else []
        progress.show(tiles_done / tiles, *details)

    parameters = {
        "program": f"tfstyle stylize {__version__}",
        **{name: value for name, value in dataclasses.asdict(config).items() if name not in _PATHS},
    }

    def read(path):
        with of_flag("content"):
            content = images.read_image(path, config.size or None)
            stylizer.check_photo(content, path)
            return content, images.read_alpha(path, config.size or None)

    def write(path, name, image, alpha):
        stored = {**parameters, "content": str(path), "style": name}
        output = outputs[path, name]
        images.write_image(output, image, alpha=alpha, bits=config.bits, parameters=stored)
        done.append(output)

    failed = 0
    show()
    with background.Background() as others:
        for path, result in others.read_ahead(read, contents):
            try:
                content, alpha = result()
            except InputError as error:
                if len(contents) == 1:
                    raise
                logging.error("error: %s", error)
                failed += 1
                progress.passed(len(names))
                continue
            for name, code in zip(names, codes_for(content), strict=True):
                image = paint(content, code, on_progress=show)
                others.write(write, path, name, image, alpha)
                progress.passed()
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
        flag = "style_name"
    elif paintings:
        names = images.distinct_names(paintings)
        flag = "style"
    else:
        names, flag = list(config.style_name), "style_name"
    return images.style_names(flag, names, config.style_weights)
