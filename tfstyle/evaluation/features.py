"""The networks whose features are compared."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tfstyle.errors import InputError
from tfstyle.feature_networks import load_feature_network, load_saved_model

Features = Callable[[np.ndarray], dict[str, np.ndarray]]


def load_features(name: str, vgg_weights: str = "") -> tuple[Features, str]:
    """The function from a picture to its features by paper name, and a text that identifies it.

    Args:
        name: of `load_feature_network`.
        vgg_weights: path of Keras' VGG-19 weights; if empty, in Keras' cache.
    Raises: InputError for weights that are missing or of another network.
    """
    call, identity = load_feature_network("encoder", name, vgg_weights)

    def features(image):
        return {layer: maps.numpy() for layer, maps in call(tf.constant(image)).items()}

    return features, identity


def load_fid_network(path: str) -> tuple[Callable[[np.ndarray], np.ndarray], str]:
    """The function from a picture to Inception's features for FID, and its identity.

    Heusel et al., NeurIPS 2017, https://arxiv.org/abs/1706.08500. The network is TF-GAN's
    SavedModel of the published Inception, which returns `pool_3` for `(n, 299, 299, 3)` in [-1, 1].

    Raises: InputError for a SavedModel that returns none.
    """
    call, identity = load_saved_model("fid_network", path)

    def pool(image):
        resized = tf.image.resize(tf.constant(image), (299, 299))
        return tf.reshape(call(2.0 * resized - 1.0)["pool_3"], (-1,)).numpy()

    try:
        pool(np.zeros((1, 299, 299, 3), np.float32))
    except (KeyError, TypeError, ValueError, tf.errors.OpError) as error:
        raise InputError(
            f"--fid_network: {path}: does not take (n, 299, 299, 3) pictures and return 'pool_3'"
        ) from error
    return pool, identity
