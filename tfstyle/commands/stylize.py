"""`tfstyle stylize`: stylizes photos with a trained model."""

import functools
import pathlib

from absl import logging

from tfstyle.commands import written_files
from tfstyle.commands.regions import read_regions
from tfstyle.commands.stylize_styles import GivenStyles
from tfstyle.config import StylizeCommand
from tfstyle.config.regions import check_regions, region_files
from tfstyle.errors import InputError, of_flag
from tfstyle.runtime import terminal

FLAGS = StylizeCommand


def main(config: StylizeCommand) -> int | None:
    """Stylizes every photo in every style."""
    from tfstyle import images
    from tfstyle.stylization import engines
    from tfstyle.stylization.photo_painting import PhotoPainter

    contents = images.find_pictures("content", config.content)
    styles = GivenStyles(config)
    config = styles.config
    masked = bool(config.content_mask)
    regions = _read_regions(config, contents, styles)
    names = ["+".join(styles.names)] if masked else styles.names
    read = [*map(str, styles.paintings), *region_files(config)]
    outputs = images.pair_outputs(config.output, contents, names, read, config.bits, config.size)
    others = filter(None, [config.style_library, config.statistics_of])
    written_files.check_written(config, ("sheet",), [*contents, *read, *others], outputs.values())
    written_files.check_sheet(config.sheet, len(contents), len(names))
    engine = engines.choose(config, contents)
    styles.read(engine)
    statistics_of = None
    if config.statistics_of:
        with of_flag("statistics_of"):
            statistics_of = images.read_image(config.statistics_of, config.tile_size, enlarge=False)

    stylizer = styles.load(engines.start(engine))
    names = names if masked else styles.names
    codes = styles.codes(regions if masked else None)
    codes.of()  # errors are raised before anything is written
    next(iter(outputs.values())).parent.mkdir(parents=True, exist_ok=True)
    painter = PhotoPainter(config, stylizer, "content", statistics_of)
    paint = functools.partial(_paint_one, regions, masked, painter, strength=config.strength)
    done: list[pathlib.Path] = []
    failed = _paint_all(config, painter, paint, codes.styled, contents, names, outputs, done)
    if config.sheet and done:
        written = {pair: path for pair, path in outputs.items() if path in done}
        _write_sheet(config, styles, contents, names, written)
    bad = {"--content": (failed, len(contents), "photos"),
           "--style": (len(styles.errors), styles.given, "paintings")}  # fmt: skip
    found = [f"{flag}: {n} of {count} {kind}" for flag, (n, count, kind) in bad.items() if n]
    if found:
        rest = f"; the others are in {config.output}" if done else ""
        raise InputError(f"{' and '.join(found)} could not be read{rest}")
    logging.info("Wrote %s.", config.output)
    return 0


def _read_regions(config, contents, styles):
    """The regions of the only photo, or None without flags of regions."""
    from tfstyle import images

    if not (config.content_mask or config.strength_map):
        return None
    names, paintings = styles.parts, styles.paintings
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


def _paint_one(regions, masked, painter, content, prepared, code, **options):
    """A prepared photo with a code, whose strength may be by a map, or with those of all regions.

    Regions keep the photo as it was.
    """
    from tfstyle.stylization.region_painting import paint_regions

    if not regions:
        return painter.paint(prepared, code, **options)
    return paint_regions(
        prepared, code if masked else [code], regions, painter.paint, kept=content,
        mix=painter.region_mixing(prepared), **options,
    )  # fmt: skip


def _paint_all(config, painter, paint, styled, contents, names, outputs, done):
    """Writes all pictures, and adds them to `done`; returns the number of unreadable photos."""
    try:
        return _paint(config, painter, paint, styled, contents, names, outputs, done)
    except KeyboardInterrupt as error:
        kept = f"{len(done)} of {len(outputs)} pictures are in {config.output}"
        error.add_note(f"{kept}; the same command paints all again" if done else "nothing written")
        raise


def _paint(config, painter, paint, styled, contents, names, outputs, done):
    """As `_paint_all`, whose interrupts say what is done."""
    from tfstyle.stylization import background

    progress = terminal.PictureProgress(len(outputs))

    def show(tiles_done=0, tiles=1):
        details = [f"{tiles_done} of {tiles} tiles"] if tiles > 1 else []
        progress.show(tiles_done / tiles, *details)

    def write(path, name, image, alpha):
        output = outputs[path, name]
        painter.write(output, path, name, image, alpha)
        done.append(output)

    failed = 0
    show()
    with background.Background() as others:
        for path, result in others.read_ahead(painter.read, contents):
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


def _write_sheet(config, styles, contents, names, outputs):
    """The contact sheet of the pictures that were written, with grey in place of others."""
    import numpy as np

    from tfstyle.images import thumbnails
    from tfstyle.models import packaged

    def picture(pixels):
        return np.asarray(pixels, np.float32)[None] / np.float32(255.0)

    if styles.library:
        shown = [picture(styles.library.styles[name].thumbnail) for name in styles.parts]
    elif styles.paintings:
        shown = styles.paintings
    else:
        own = packaged.own_styles(config.model)
        known = [own[name].thumbnail for name in config.style_name]
        shown = [picture(thumbnails.decode(one, "JPEG")) if one else None for one in known]
    mixed = config.style_weights or config.content_mask
    groups = [shown] if mixed else [[one] for one in shown]
    rows = [[outputs.get((path, name)) for name in names] for path in contents]
    written_files.write_sheet(config.sheet, contents, list(zip(names, groups, strict=True)), rows)
