"""A photograph in the colours and light of another: whitening and colouring with wavelet pooling.

Yoo et al., "Photorealistic Style Transfer via Wavelet Transforms", ICCV 2019,
https://arxiv.org/abs/1903.09760 (WCT2).
"""

import keras

from tfstyle.models.wct import WCTModel


@keras.saving.register_keras_serializable(package="tfstyle")
class PhotorealisticModel(WCTModel):
    """`WCTModel` between pooling and unpooling by Haar wavelets, which lose nothing.

    The encoder's pooling is the wavelets' low pass (the sum of 2 × 2 positions, halved). Their
    three other parts go from the encoder to the same level of the decoder, whose unpooling is
    exact: all details are the photo's, for `detail` 1, the default.

    Departures from the paper: features are transformed in the decoder alone (its progressive
    stylization transforms those of the encoder, too, and optionally the wavelets' other parts);
    unpooling is the sum, not the concatenation of the paper's variant; the decoder inverts block
    by block, as `WCTModel`'s.

    The arguments are those of `WCTModel`.
    """

    POOLING = "average"
    INTERPOLATION = "nearest"

    def __init__(self, encoder, decoder=None, scales=None, depth=4, detail=1.0, **kwargs):
        super().__init__(encoder, decoder, scales, depth, detail=detail, **kwargs)
        if encoder.pooling != self.POOLING:
            raise ValueError(f"`encoder` must pool by average. Received: {encoder.pooling}")
