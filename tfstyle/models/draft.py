"""The draft of a `DraftRevisionModel`: covariance transforms at half or quarter resolution."""

from tfstyle.models.inverting_decoder import taps_of
from tfstyle.models.wct import WCTModel

DEPTH = 3  # of the largest draft; by relu3_1 styles are described in any case
STRIDE = 16  # pixels: the largest windows of `Revision.prepare`
MARGIN = 16  # pixels of reflection around a picture in training; `mobile` is packaged with 32
DRAFT_DETAIL = 0.5  # share of the encoder's details that the draft's decoder gets
EPSILON = 1e-3  # of the draft's transforms; with 1e-5, it is full of coloured noise
# Of the draft's transforms at relu3_1, relu2_1, relu1_1 and of pixels; a shallower one has the last
# of them. More at relu3_1 paints glows around objects, and clouds over what is flat.
DRAFT_SHARES = (0.3, 0.7, 0.8, 1.0)


def make_draft(trunk, margin, halvings=1, depth=DEPTH):
    """The draft's model, with an untrained decoder; its encoder taps `DEPTH` levels.

    Args:
        trunk: encoder that it gets a copy of, with fewer taps.
        margin: of `DraftRevisionModel`.
        halvings: likewise.
        depth: of the deepest level that is transformed, 2 or 3.
    Raises: ValueError for another margin, depth or number of halvings.
    """
    _check(margin, halvings)
    if depth not in (2, DEPTH):
        raise ValueError(f"`depth` must be 2 or {DEPTH}. Received: depth={depth}")
    return WCTModel.on_encoder(
        trunk.cut(taps_of(DEPTH)),
        depth=depth,
        shares=DRAFT_SHARES[DEPTH - depth :],
        detail=DRAFT_DETAIL,
        epsilon=EPSILON,
        margin=margin >> halvings,
        dtype=trunk.dtype_policy,
        name="draft",
    )


def check_draft(draft, margin, halvings):
    """Raises ValueError unless a draft and arguments of `DraftRevisionModel` fit together."""
    _check(margin, halvings)
    if margin != draft.margin << halvings:
        raise ValueError(
            f"`margin` must be {1 << halvings} times the draft's, {draft.margin}. Received: "
            f"margin={margin}"
        )


def _check(margin, halvings):
    if halvings not in (1, 2):
        raise ValueError(f"`halvings` must be 1 or 2. Received: halvings={halvings}")
    if margin < STRIDE or margin % STRIDE:
        raise ValueError(
            f"`margin` must be a multiple of {STRIDE}, at least {STRIDE}. Received: margin={margin}"
        )
