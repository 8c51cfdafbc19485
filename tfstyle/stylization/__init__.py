"""Stylizes photographs of any size with a trained model, and stores named styles.

transfer   `Stylizer`: a model that is loaded once for many pictures
tiling     photographs of any size in bounded memory
smoothing  photorealistic pictures, by a guided filter
region_painting  regions with codes of their own
library    style codes by name, in one file
json_styles, mapped_styles, styles_writer  forms of that file
similarity  how alike codes are
"""

from typing import TYPE_CHECKING

from tfstyle import registry

if TYPE_CHECKING:
    from tfstyle.stylization.library import StyleLibrary
    from tfstyle.stylization.transfer import Stylizer

__all__ = ["StyleLibrary", "Stylizer"]

__getattr__ = registry.lazy(__name__, {"StyleLibrary": "library", "Stylizer": "transfer"})
