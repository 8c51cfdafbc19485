"""`tfstyle styles`: makes, extends, lists and searches a library of named styles."""

import collections
import os
from typing import Any

from absl import logging

from tfstyle.config import StylesCommand
from tfstyle.errors import InputError, brief, of_flag
from tfstyle.runtime import terminal

FLAGS = StylesCommand
_MOST_SHOWN = 2000  # styles of a sheet


def main(config: StylesCommand) -> int | None:
    """Adds and removes styles, or prints their names, or the nearest ones; shows thumbnails."""
    from tfstyle import files, images
    from tfstyle.models import packaged
    from tfstyle.stylization.library import StyleLibrary

    packaged.model_path(config.model)
    if config.sheet:
        with of_flag("sheet"):
            images.check_output(config.sheet)
    if not config.library:
        return _list_own(config, packaged.own_styles(config.model))
    if config.add or config.remove:
        with of_flag("library"):
            files.check_writable(config.library)
    library: Any = None
    if os.path.exists(config.library) or not config.add:
        with of_flag("library"):
            library = StyleLibrary.load(config.library)
    if config.add or config.remove:
        library = _change(config, library)
    elif config.similar:
        return _list_similar(config, library)
    else:
        print(f"{len(library.styles)} styles of {library.identity}")
        for name in library.names():
            print(f"  {name}")
    _write_library_sheet(config, library, library.names())
    return 0


def _change(config, library):
    """The library, None if it is new, after the changes of the flags."""
    from tfstyle.batch import photo_lists
    from tfstyle.stylization.library import StyleLibrary

    if config.remove and not library:
        raise InputError(f"--remove: {config.library} does not exist yet")
    if library:
        library.check_names(config.remove, "remove")
    paths = photo_lists.find_photos("add", config.add)
    names = _names(config, paths)
    stylizer: Any = _load_stylizer(config, "--add") if paths else None
    if stylizer and library:
        library.check_model(stylizer.model.code_identity(), config.library)
    library = library or StyleLibrary(stylizer.model.code_identity())
    with library.editing(config.library) as styles:
        for name in set(config.remove):
            del styles[name]
        bad = _add(config, stylizer, styles, paths, names)
        count = len(styles)
    logging.info("Wrote %s: %d styles.", config.library, count)
    if bad:
        raise InputError(
            f"--add: {bad} of {len(paths)} paintings could not be read; the others are in "
            f"{config.library}"
        )
    return StyleLibrary.load(config.library)


def _names(config, paths):
    """The names of the paintings to add."""
    from tfstyle import images
    from tfstyle.images.outputs import safe_name
    from tfstyle.parsing import json_text

    names = config.name or tuple(map(safe_name, images.distinct_names(paths)))
    if len(names) != len(paths):
        raise InputError(f"--name: {len(names)} given for {len(paths)} paintings")
    for name, count in collections.Counter(names).items():
        if safe_name(name) != name or not json_text.is_printable(name):
            raise InputError(f"--name: {name!r} cannot be part of a file's name; choose another")
        if count > 1:
            raise InputError(f"--add: two paintings are called {name}; rename one or use --name")
    return names


def _add(config, stylizer, styles, paths, names):
    """Encodes the paintings into `styles`; returns how many of them could not be read."""
    from tfstyle.stylization.background import Background
    from tfstyle.stylization.library import make_style

    bad = 0
    with Background() as others:
        read = others.read_ahead(lambda path: _read(config, stylizer, "add", path), paths)
        for number, (name, (_, result)) in enumerate(zip(names, read, strict=True)):
            terminal.show_progress(number / len(paths), f"{number} of {len(paths)} paintings")
            try:
                painting = result()
            except InputError as error:
                if len(paths) == 1:
                    raise
                logging.error("error: %s", error)
                bad += 1
                continue
            styles[name] = make_style(stylizer.encode_style(painting), painting)
    if paths and bad == len(paths):
        raise InputError(f"--add: none of the {bad} paintings could be read")
    terminal.end_progress()
    return bad


def _load_stylizer(config, flag):
    """The model, which must take the style of a picture; the flag demands it."""
    from tfstyle.models.capabilities import StylePictures, require
    from tfstyle.stylization import Stylizer, engines

    stylizer = Stylizer(config.model, engine=engines.start(engines.fastest(config.model)))
    require(stylizer.model, StylePictures, flag)
    return stylizer


def _read(config, stylizer, flag, path):
    """A picture to encode."""
    from tfstyle import images

    with of_flag(flag):
        picture = images.read_image(path, config.style_size, enlarge=False)
    stylizer.model.check_picture(picture, f"--{flag}: {path}")
    return picture


def _list_similar(config, library):
    """Prints and shows the styles that are most like a picture."""
    stylizer = _load_stylizer(config, "--similar")
    library.check_model(stylizer.model.code_identity(), config.library)
    code = stylizer.encode_style(_read(config, stylizer, "similar", config.similar))
    with of_flag("similar"):
        found = library.nearest(code)
    terminal.end_progress()
    print(f"{len(found)} of {len(library.styles)} styles, by their cosine to {config.similar}")
    for name, cosine in found:
        print(f"  {cosine:.3f}  {name}")
    _write_library_sheet(config, library, [name for name, _ in found])
    return 0


def _list_own(config, styles):
    """Prints and shows the styles that a model was trained for."""
    if not styles:
        raise InputError(f"--library: give the file of styles; {config.model} has none of its own")
    found = {name: style.thumbnail for name, style in styles.items()}
    if config.sheet and not any(found.values()):
        raise InputError(
            f"--sheet: {config.model} has no thumbnails of its styles; omit --sheet to list names"
        )
    print(f"{len(styles)} styles of {config.model}")
    for name, style in styles.items():
        print(f"  {name}: {style.credit}" if style.credit else f"  {name}")
    if config.sheet:
        from tfstyle import files
        from tfstyle.images import thumbnails

        try:
            decoded = {
                name: thumbnails.decode(text, "JPEG") if text else None
                for name, text in found.items()
            }
        except files.UNREADABLE as error:
            raise InputError(f"--sheet: {config.model}: {brief(error)}") from error
        _write_sheet(config.sheet, decoded)
    return 0


def _write_library_sheet(config, library, names):
    """Shows styles of a library, if there is a --sheet."""
    if not config.sheet:
        return
    if not names:
        raise InputError(f"--sheet: {config.library} has no styles")
    if len(names) > _MOST_SHOWN:
        raise InputError(
            f"--sheet: {len(names)} styles are too many for a picture, which has room for "
            f"{_MOST_SHOWN}; with --similar it shows ten"
        )
    _write_sheet(config.sheet, {name: library.styles[name].thumbnail for name in names})


def _write_sheet(path, pictures):
    from tfstyle import images
    from tfstyle.images import thumbnails

    images.write_image(path, thumbnails.sheet(pictures))
    logging.info("Wrote %s.", path)
