"""`tfstyle styles`: makes, extends and lists a library of named styles."""

import os

from absl import logging

from tfstyle.config import StylesCommand
from tfstyle.errors import InputError, brief, of_flag
from tfstyle.runtime import terminal

FLAGS = StylesCommand


def main(config: StylesCommand) -> int | None:
    """Adds and removes styles, or prints their names; shows their thumbnails."""
    from tfstyle import files, images
    from tfstyle.images.outputs import safe_name
    from tfstyle.models import packaged
    from tfstyle.stylization import engines
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
    library = None
    if os.path.exists(config.library) or not config.add:
        with of_flag("library"):
            library = StyleLibrary.load(config.library)
    if config.remove and not library:
        raise InputError(f"--remove: {config.library} does not exist yet")
    if library:
        library.check_names(config.remove, "remove")
    if library and not config.add and not config.remove:
        print(f"{len(library.styles)} styles of {library.identity}")
        for name in library.names():
            print(f"  {name}")
        _write_library_sheet(config, library)
        return 0
    paths = images.find_pictures("add", config.add)
    names = config.name or tuple(map(safe_name, images.distinct_names(paths)))
    if len(names) != len(paths):
        raise InputError(f"--name: {len(names)} given for {len(paths)} paintings")
    for name in names:
        if safe_name(name) != name:
            raise InputError(f"--name: '{name}' cannot be part of a file's name; choose another")
        if names.count(name) > 1:
            raise InputError(f"--add: two paintings are called {name}; rename one or use --name")
    with of_flag("add"):
        read = images.read_each(
            paths, lambda path: images.read_image(path, config.style_size, enlarge=False)
        )
    if any(painting is not None for painting in read):
        from tfstyle.models.capabilities import StylePictures, require
        from tfstyle.stylization import Stylizer

        stylizer = Stylizer(config.model, engine=engines.start(engines.fastest(config.model)))
        terminal.show_progress(None, "encoding the styles")
        model = stylizer.model
        require(model, StylePictures, "--add")
        if library:
            library.check_model(model.code_identity(), config.library)
        else:
            library = StyleLibrary(model.code_identity())

        def check(number):
            if read[number] is not None:
                model.check_picture(read[number], f"--add: {paths[number]}")
            return read[number]

        read = images.read_each(range(len(paths)), check)
    bad = sum(painting is None for painting in read)
    if paths and bad == len(paths):
        raise InputError(f"--add: none of the {bad} paintings could be read")
    assert library is not None  # noqa: S101  # loaded, or made for the paintings
    for name in set(config.remove):
        del library.styles[name]
    for name, painting in zip(names, read, strict=True):
        if painting is not None:
            library.add(name, stylizer.encode_style(painting), painting)
    library.save(config.library)
    logging.info("Wrote %s: %d styles.", config.library, len(library.styles))
    _write_library_sheet(config, library)
    if bad:
        raise InputError(
            f"--add: {bad} of {len(paths)} paintings could not be read; the others are in "
            f"{config.library}"
        )
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


def _write_library_sheet(config, library):
    """Shows the styles of a library, if there is a --sheet."""
    if config.sheet:
        if not library.styles:
            raise InputError(f"--sheet: {config.library} has no styles")
        _write_sheet(
            config.sheet, {name: style.thumbnail for name, style in library.styles.items()}
        )


def _write_sheet(path, pictures):
    from tfstyle import images
    from tfstyle.images import thumbnails

    images.write_image(path, thumbnails.sheet(pictures))
    logging.info("Wrote %s.", path)
