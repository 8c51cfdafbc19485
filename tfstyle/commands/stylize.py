"""`tfstyle stylize`: stylizes photos with a trained model."""

import dataclasses
import functools
import pathlib

from absl import logging

from tfstyle import __version__
from tfstyle.commands import written_files
from tfstyle.commands.regions import read_regions
from tfstyle.commands.stylize_codes import Codes
from tfstyle.config import StylizeCommand
from tfstyle.config.options import stored_flags
from tfstyle.config.regions import check_regions, region_files
from tfstyle.errors import InputError, of_flag
from tfstyle.runtime import terminal

FLAGS = StylizeCommand


def main(config: StylizeCommand) -> int | None:
    """Stylizes every photo in every style."""
    from tfstyle import images
    from tfstyle.models import packaged
    from tfstyle.stylization import StyleLibrary, engines

    packaged.model_path(config.model)
    if not (config.style or config.style_library or config.style_name):
        config = dataclasses.replace(config, style_name=(packaged.only_style(config.model),))
    contents = images.find_pictures("content", config.content)
    paintings = images.find_pictures("style", config.style)
    with of_flag("style_library"):
        library = StyleLibrary.load(config.style_library) if config.style_library else None
    names = _style_names(config, paintings, library)
    masked = bool(config.content_mask)
    regions = _read_regions(config, contents, paintings, library)
    if masked:
        names = ["+".join(names)]
    read = [*map(str, paintings), *region_files(config)]
    outputs = images.pair_outputs(config.output, contents, names, read, config.bits, config.size)
    others = filter(None, [config.style_library, config.statistics_of])
    written_files.check_written(config, ("sheet",), [*contents, *read, *others], outputs.values())
    written_files.check_sheet(config.sheet, len(contents), len(names))
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
    codes = Codes(
        config, stylizer, library, paintings, pictures, cache, regions if masked else None
    )
    terminal.show_progress(None, "encoding the styles")
    codes.of()  # errors are raised before anything is written
    next(iter(outputs.values())).parent.mkdir(parents=True, exist_ok=True)
    paint = functools.partial(
        stylizer.paint, preserve_color=config.preserve_color,
        statistics_of=statistics_of, wrap=config.wrap, photorealistic=config.photorealistic,
    )  # fmt: skip
    paint = functools.partial(_paint_one, regions, masked, paint, strength=config.strength)
    done: list[pathlib.Path] = []
    failed = _paint_all(config, stylizer, paint, codes.styled, contents, names, outputs, done)
    if config.sheet and done:
        written = {pair: path for pair, path in outputs.items() if path in done}
        _write_sheet(config, library, contents, names, paintings, written)
    bad = {"--content": (failed, len(contents), "photos"),
           "--style": (given - len(paintings), given, "paintings")}  # fmt: skip
    found = [f"{flag}: {n} of {count} {kind}" for flag, (n, count, kind) in bad.items() if n]
    if found:
        rest = f"; the others are in {config.output}" if done else ""
        raise InputError(f"{' and '.join(found)} could not be read{rest}")
    logging.info("Wrote %s.", config.output)
    return 0


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
    other = config.content_mask or config.preserve_color != "none" or config.prepare == "match"
    if engine == "keras" or not folder or config.no_cache or other:
        return None  # Keras takes longer to start; the others need the pictures
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
    if not found or config.style_weights or config.content_mask:
        mixed = "; a mixture needs them all" if found else ""
        bad = len(paintings) - len(found)
        raise InputError(f"--style: {bad} of {len(paintings)} paintings could not be read{mixed}")
    return [[items[number] for number in found] for items in (names, paintings, pictures)]


def _read_regions(config, contents, paintings, library):
    """The regions of the only photo, or None without flags of regions."""
    from tfstyle import images

    if not (config.content_mask or config.strength_map):
        return None
    names = _style_names(dataclasses.replace(config, style_weights=()), paintings, library)
    if len(contents) > 1:
        flag = "content_mask" if config.content_mask else "strength_map"
        raise InputError(f"--{flag}: is of one photo; {len(contents)} are given")
    check_regions(config, [*map(str, paintings)] or names)
    with of_flag("content"):
        shape = images.read_image(contents[0], config.size or None).shape[1:3]
    shapes = [shape] * len(names) if config.content_mask else [shape]
    for number, path in enumerate(paintings if config.style_mask else ()):
        with of_flag("style"):
            painting = images.read_image(path, config.style_size, enlarge=False)
        shapes[number] = painting.shape[1:3]
    shares = config.style_weights if config.content_mask else ()
    return read_regions(config, shape, shapes, shares, max(shape))


def _paint_one(regions, masked, paint, content, prepared, code, **options):
    """A prepared photo with a code, whose strength may be by a map, or with those of all regions.

    Regions keep the photo as it was.
    """
    from tfstyle.stylization.region_painting import paint_regions

    if not regions:
        return paint(prepared, code, **options)
    codes = code if masked else [code]
    return paint_regions(prepared, codes, regions, paint, kept=content, **options)


def _paint_all(config, stylizer, paint, styled, contents, names, outputs, done):
    """Writes all pictures, and adds them to `done`; returns the number of unreadable photos."""
    try:
        return _paint(config, stylizer, paint, styled, contents, names, outputs, done)
    except KeyboardInterrupt as error:
        kept = f"{len(done)} of {len(outputs)} pictures are in {config.output}"
        error.add_note(f"{kept}; the same command paints all again" if done else "nothing written")
        raise


def _paint(config, stylizer, paint, styled, contents, names, outputs, done):
    """As `_paint_all`, whose interrupts say what is done."""
    from tfstyle import images
    from tfstyle.stylization import background

    progress = terminal.PictureProgress(len(outputs))

    def show(tiles_done=0, tiles=1):
        details = [f"{tiles_done} of {tiles} tiles"] if tiles > 1 else []
        progress.show(tiles_done / tiles, *details)

    parameters = {"program": f"tfstyle stylize {__version__}", **stored_flags(config)}

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
            for name, (photo, code) in zip(names, styled(content), strict=True):
                image = paint(content, photo, code, on_progress=show)
                others.write(write, path, name, image, alpha)
                progress.passed()
    return failed


def _write_sheet(config, library, contents, names, paintings, outputs):
    """The contact sheet of the pictures that were written, with grey in place of others."""
    import numpy as np

    from tfstyle.images import thumbnails
    from tfstyle.models import packaged

    def picture(pixels):
        return np.asarray(pixels, np.float32)[None] / np.float32(255.0)

    if library:
        chosen = config.style_name or library.names()
        shown = [picture(library.styles[name].thumbnail) for name in chosen]
    elif paintings:
        shown = paintings
    else:
        own = packaged.own_styles(config.model)
        known = [own[name].thumbnail for name in config.style_name]
        shown = [picture(thumbnails.decode(one, "JPEG")) if one else None for one in known]
    mixed = config.style_weights or config.content_mask
    groups = [shown] if mixed else [[one] for one in shown]
    rows = [[outputs.get((path, name)) for name in names] for path in contents]
    written_files.write_sheet(config.sheet, contents, list(zip(names, groups, strict=True)), rows)


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
