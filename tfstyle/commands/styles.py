"""`tfstyle styles`: makes, extends, lists and searches a library of named styles."""

import collections
import hashlib
import os
from typing import Any

from absl import logging

from tfstyle.config import StylesCommand
from tfstyle.errors import InputError, brief, of_flag
from tfstyle.runtime import process, terminal

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
        return _change(config, library)
    if config.similar:
        return _list_similar(config, library)
    print(f"{len(library.styles)} styles of {library.identity}")
    for name in library.names():
        print(f"  {name}")
    _write_library_sheet(config, library, library.names())
    return 0


def _change(config, library):
    """Adds and removes styles; `library` is None for a new one."""
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
        adding = _Adding(config, stylizer, library)
        adding.add(styles, dict(zip(names, paths, strict=True)))
        count = len(styles)
    logging.info("Wrote %s: %d styles.", config.library, count)
    library = StyleLibrary.load(config.library)
    _write_library_sheet(config, library, library.names())
    if adding.stopped:
        logging.info("Stopped: the same command adds the paintings that are left.")
        return 128 + adding.stopped
    if adding.bad:
        raise InputError(
            f"--add: {adding.bad} of {len(paths)} paintings could not be read; the others are in "
            f"{config.library}"
        )
    return 0


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


class _Adding:
    """Encodes paintings.

    Args:
        config: the flags.
        stylizer: of the model, if there are paintings.
        library: as it is; paintings that it knows are left out.

    Attributes:
        bad: number of paintings that could not be read.
        stopped: number of the signal that ended it before all were added, or 0.
    """

    def __init__(self, config, stylizer, library):
        self._config, self._stylizer, self._library = config, stylizer, library
        self.bad = self.stopped = 0

    def add(self, styles, paths):
        """Adds the paintings, files by name, to `styles`."""
        from tfstyle.stylization.background import Background
        from tfstyle.stylization.library import make_style

        known = 0
        with Background() as others, process.StopSignal() as stop:
            read = others.read_ahead(self._read, paths.items())
            for number, ((name, _), result) in enumerate(read):
                terminal.show_progress(number / len(paths), f"{number} of {len(paths)} paintings")
                if stop.requested():
                    self.stopped = stop.number
                    break
                try:
                    source, painting = result()
                except InputError as error:
                    if len(paths) == 1:
                        raise
                    logging.error("error: %s", error)
                    self.bad += 1
                    continue
                if painting is None:
                    known += 1
                else:
                    code = self._stylizer.encode_style(painting)
                    styles[name] = make_style(code, painting, source)
        terminal.end_progress()
        if paths and self.bad == len(paths):
            raise InputError(f"--add: none of the {self.bad} paintings could be read")
        if known:
            logging.info("%d paintings are there already.", known)

    def _read(self, item):
        """What a painting is known by, and the painting, or None if the library has it."""
        from tfstyle import files

        name, path = item
        try:
            text = f"{files.sha256(path)} {self._config.style_size}"
        except OSError as error:
            raise InputError(f"--add: {path}: {error.strerror}") from error
        source = int(hashlib.sha256(text.encode()).hexdigest()[:16], 16)
        if name not in self._config.remove and self._library.has(name, source):
            return source, None
        return source, _read(self._config, self._stylizer, "add", path)


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
