"""`tfstyle web`: a page in the browser for models, renderer and comparisons."""

from tfstyle.config import WebCommand
from tfstyle.errors import InputError
from tfstyle.models import packaged

FLAGS = WebCommand
_NEEDED = ("starlette", "uvicorn")


def main(config: WebCommand) -> int:
    """Serves the page until it is interrupted."""
    packaged.model_path(config.model)
    try:
        from tfstyle.web import serving
    except ModuleNotFoundError as error:
        if error.name not in _NEEDED:
            raise
        raise InputError(
            f"{error.name} is not installed, which the page needs; pip install -e '.[web]'"
        ) from error

    with serving.listen(config) as listener:
        serving.serve(config, listener)
    return 0
