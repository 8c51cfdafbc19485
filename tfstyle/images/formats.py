"""The formats that are read, and the suffixes of their files: one list for all programs."""

import functools

from PIL import Image

KINDS = "JPEG, PNG, WebP, TIFF, GIF, BMP, AVIF or HEIC"
_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP", "AVIF", "HEIF")  # Pillow's names
HEIC_SUFFIXES = (".heic", ".heics", ".heif", ".heifs", ".hif")
HEIC_HINT = "HEIC, which needs `pip install pillow-heif`"
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


@functools.cache
def formats() -> tuple[str, ...]:
    """Pillow's names of the formats that this installation decodes."""
    try:
        import pillow_heif

        pillow_heif.register_heif_opener()
    except ImportError:
        pass
    Image.init()
    decoded = set(Image.registered_extensions().values())  # without those that lack their library
    return tuple(name for name in _FORMATS if name in decoded)


def suffixes() -> tuple[str, ...]:
    """Suffixes of image files, lower case, sorted."""
    known = (*formats(), "MPO")  # several pictures in one JPEG file, which Pillow opens as JPEG
    registered = Image.registered_extensions()
    return tuple(sorted(suffix for suffix, name in registered.items() if name in known))


def is_undecoded_heic(head: bytes) -> bool:
    """Whether a file that begins so is HEIC, and pillow-heif, which decodes it, is missing."""
    return "HEIF" not in formats() and head[4:8] == b"ftyp" and head[8:12] in _HEIC_BRANDS
