"""Messages of the library in the page's words: its readers have no flags."""

import re

_CONTROLS = {"style_size": "brush", "style_scale": "brush", "style_weights": "mix"}
_FLAG = re.compile(r"--(\w+)(?:=[^\s:;,]+)?")


def of_page(text: str) -> str:
    """A message whose flags are the page's controls, or are written as words."""
    word = lambda found: _CONTROLS.get(found[1], found[1].replace("_", " "))
    return _FLAG.sub(word, text)
