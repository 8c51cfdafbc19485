"""Photographs with a trained model: one object for pictures of any size, and named styles.

transfer   `Stylizer`: a model that is loaded once and paints many pictures
tiling     photographs of any size in bounded memory
library    style codes by name, in one file
"""

from typing import TYPE_CHECKING

from tfstyle import registry

if TYPE_CHECKING:
    from tfstyle.stylization.library import StyleLibrary
    from tfstyle.stylization.transfer import Stylizer

__all__ = ["StyleLibrary", "Stylizer"]

__getattr__ = registry.lazy(__name__, {"StyleLibrary": "library", "Stylizer": "transfer"})
