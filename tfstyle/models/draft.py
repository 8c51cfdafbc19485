"""The draft of a `DraftRevisionModel`: covariance transforms at half resolution."""

from tfstyle.models.inverting_decoder import taps_of
from tfstyle.models.wct import WCTModel

DEPTH = 3  # of the draft: the deepest level that it reads is relu3_1
STRIDE = 16  # pixels: the largest windows of `Revision.prepare`
MARGIN = 16  # pixels of reflection around a picture in training; `mobile` is packaged with 32
DRAFT_DETAIL = 0.5  # share of the encoder's details that the draft's decoder gets
EPSILON = 1e-3  # of the draft's transforms; with 1e-5, it is full of coloured noise
# Of the draft's transforms at relu3_1, relu2_1, relu1_1 and of pixels; a shallower one has the last
# of them. More at relu3_1 paints glows around objects, and clouds over what is flat.
DRAFT_SHARES = (0.3, 0.7, 0.8, 1.0)


def make_draft(trunk, margin, depth=DEPTH):
    """The draft's model, with an untrained decoder; its encoder taps `DEPTH` levels.

    Args:
        trunk: encoder that it gets a copy of, with fewer taps.
        margin: of `DraftRevisionModel`.
        depth: of the deepest level that is transformed, 2 or 3.
    Raises: ValueError for another margin or depth.
    """
    check_margin(margin)
    if depth not in (2, DEPTH):
        raise ValueError(f"`depth` must be 2 or {DEPTH}. Received: depth={depth}")
    return WCTModel.on_encoder(
        trunk.cut(taps_of(DEPTH)),
        depth=depth,
        shares=DRAFT_SHARES[DEPTH - depth :],
        detail=DRAFT_DETAIL,
        epsilon=EPSILON,
        margin=margin // 2,
        dtype=trunk.dtype_policy,
        name="draft",
    )


def check_margin(margin):
    """Raises ValueError unless a margin fits the draft and the revision."""
    if margin < STRIDE or margin % STRIDE:
        raise ValueError(
            f"`margin` must be a multiple of {STRIDE}, at least {STRIDE}. Received: margin={margin}"
        )
