"""TFRecord shards of pictures."""

import os
import pathlib
from collections.abc import Iterator

from tfstyle import files, images
from tfstyle.data.sources import ENCODED, FILENAME, SHARD_SUFFIX, Skipped, Source
from tfstyle.errors import InputError


def write_shards(
    source: Source, folder: str | os.PathLike, size: int, per_shard: int, skipped: Skipped
) -> Iterator[int]:
    """Writes pictures as TFRecord shards of JPEG files; yields the number done after each.

    Args:
        source: of the pictures.
        folder: to write to, which exists and is empty.
        size: shorter side that larger pictures are reduced to, in pixels.
        per_shard: pictures in a shard.
        skipped: collects pictures that cannot be decoded.
    Raises: InputError if a shard cannot be written (none is left incomplete), or if no picture can
        be decoded.
    """
    import tensorflow as tf

    written = 0
    count = -(-len(source.names) // per_shard)
    for shard in range(count):
        path = pathlib.Path(folder) / f"{shard:05d}-of-{count:05d}{SHARD_SUFFIX}"
        indices = range(shard * per_shard, min((shard + 1) * per_shard, len(source.names)))
        try:
            with files.replacing(path) as temporary, tf.io.TFRecordWriter(str(temporary)) as out:
                for index in indices:
                    try:
                        data = _reduced_jpeg(source, index, size)
                    except InputError as error:
                        skipped.add(error)
                        continue
                    values = {ENCODED: data, FILENAME: os.fsencode(source.names[index])}
                    features = {
                        key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
                        for key, value in values.items()
                    }
                    example = tf.train.Example(features=tf.train.Features(feature=features))
                    out.write(example.SerializeToString())
                    written += 1
                    yield index + 1
        except tf.errors.OpError as error:
            raise InputError(f"{path}: cannot be written ({error.message})") from error
    if not written:
        example = next(iter(skipped.lines), "there are none")
        raise InputError(f"none of the pictures can be decoded; for instance {example}")


def _reduced_jpeg(source: Source, index: int, size: int) -> bytes:
    import io

    from PIL import Image

    image = images.read_training_image(source.read(index), source.path(index), reduced=size)
    scale = size / min(image.size)
    if scale < 1.0:
        shape = (round(image.width * scale), round(image.height * scale))
        image = image.resize(shape, Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=95, subsampling="4:4:4")
    return buffer.getvalue()
