"""The styles that the flags of `stylize.py` name."""

import dataclasses
import pathlib
from typing import Any

from tfstyle.commands.stylize_codes import Codes
from tfstyle.config import StylizeCommand
from tfstyle.errors import InputError, of_flag
from tfstyle.runtime import terminal


class GivenStyles:
    """Paintings, styles of a library or of the model, from their names to their codes.

    They are used in the order `read`, `load`, `codes`; paintings that cannot be used are left out.

    Args:
        config: of the command.

    Attributes:
        config: with the name of the model's only style, if that is what is meant.
        library: `StyleLibrary`, or None.
        names: of the styles for the output files; a mixture has one.
        parts: of a mixture its styles' names, else `names`.
        paintings: their files; none for styles by name.
        given: number of paintings at first.
        errors: of the paintings that are left out, with these.

    Raises: InputError for styles that do not exist.
    """

    def __init__(self, config: StylizeCommand):
        from tfstyle import images
        from tfstyle.models import packaged
        from tfstyle.stylization import StyleLibrary

        packaged.model_path(config.model)
        if not (config.style or config.style_library or config.style_name):
            config = dataclasses.replace(config, style_name=(packaged.only_style(config.model),))
        self.config = config
        self.paintings: list[pathlib.Path] = images.find_pictures("style", config.style)
        self.library: StyleLibrary | None = None
        if config.style_library:
            with of_flag("style_library"):
                self.library = StyleLibrary.load(config.style_library)
        self.parts = self._part_names()
        flag = "style" if self.paintings else "style_name"
        self.names: list[str] = images.style_names(flag, self.parts, config.style_weights)
        self.given, self.errors = len(self.paintings), list[tuple[pathlib.Path, InputError]]()
        self._pictures: list[Any] = []
        self._cache: Any = None
        self._stylizer: Any = None

    def _part_names(self):
        from tfstyle import images

        config = self.config
        if not self.library:
            return images.distinct_names(self.paintings) or list(config.style_name)
        self.library.check_names(config.style_name)
        names = list(config.style_name or self.library.names())
        if not names:
            raise InputError(f"{config.style_library}: holds no styles; add some")
        return names

    def read(self, engine: str) -> None:
        """Reads the paintings, or their codes if the cache has them.

        Args:
            engine: of `load`, "litert" or "keras".
        """
        from tfstyle import images

        self._cache = self._find_cache(engine)

        def read(path):
            known = self._cache and self._cache.get(path)
            return known or images.read_image(path, self.config.style_size, enlarge=False)

        with of_flag("style"):
            self._keep(images.read_each(self.paintings, read, self.errors))

    def load(self, engine: str, threads: int = 0) -> Any:
        """The `Stylizer` of the model, for which the styles are checked.

        Args:
            engine: started, "litert" or "keras".
            threads: of LiteRT; 0 for as many as there are processors.
        """
        from tfstyle import images
        from tfstyle.stylization.photo_painting import load_stylizer

        self._stylizer = stylizer = load_stylizer(self.config, engine, threads)

        def check(number):
            if not isinstance(self._pictures[number], dict):
                name = f"--style: {self.paintings[number]}"
                stylizer.model.check_picture(self._pictures[number], name)
            return self._pictures[number]

        small = list[tuple[int, InputError]]()
        pictures = images.read_each(range(len(self.paintings)), check, small)
        self.errors += [(self.paintings[number], error) for number, error in small]
        self._keep(pictures)
        if self.library:
            path = self.config.style_library
            self.library.check_model(stylizer.model.code_identity(), path)
            for name in self.parts:
                stylizer.check_code(self.library.code(name), f"{path}: style '{name}'")
        return stylizer

    def codes(self, regions: Any = None) -> Codes:
        """The styles' codes.

        Args:
            regions: `images.regions.Regions` with styles of their own, or None.
        """
        terminal.show_progress(None, "encoding the styles")
        return Codes(
            self.config, self._stylizer, self.library, self.paintings, self._pictures, self._cache,
            regions,
        )  # fmt: skip

    def _find_cache(self, engine):
        """The cache of codes, or None where it would not help, or not be right."""
        from tfstyle.models import exported
        from tfstyle.stylization.code_cache import CodeCache

        config = self.config
        folder = exported.folder_of(config.model)
        other = config.content_mask or config.preserve_color != "none" or config.prepare == "match"
        if engine == "keras" or not folder or config.no_cache or other:
            return None  # Keras takes longer to start; the others need the pictures
        codes = exported.describe(folder)["codes"]
        return CodeCache(f"{codes} {engine} {config.style_size}")

    def _keep(self, pictures):
        """Leaves out the paintings without a picture, a list of one for each."""
        found = [number for number, picture in enumerate(pictures) if picture is not None]
        self._pictures = [pictures[number] for number in found]
        if len(found) == len(self.paintings):
            return
        whole = bool(self.config.style_weights or self.config.content_mask)
        if not found or whole:
            mixed = "; a mixture needs them all" if found else ""
            bad, count = len(self.paintings) - len(found), len(self.paintings)
            raise InputError(f"--style: {bad} of {count} paintings could not be read{mixed}")
        self.paintings = [self.paintings[number] for number in found]
        self.parts = self.names = [self.names[number] for number in found]
