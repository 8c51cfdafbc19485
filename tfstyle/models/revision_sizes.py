"""Three architectures, which are sizes of one: arguments of `DraftRevisionModel.create`."""

import functools

from tfstyle.models.draft_revision import DraftRevisionModel

NANO = {"widths": (8, 16, 32), "blocks": 3, "hidden": 32, "halvings": 2, "depth": 2}
MOBILE = {"widths": (16, 32, 64), "blocks": 3, "hidden": 64}
QUALITY = {
    "widths": (24, 48, 96),
    "blocks": 5,
    "hidden": 64,
    "bands": 3,
    "grain": 0.006,
    "guidance": 0.5,
}

create_nano = functools.partial(DraftRevisionModel.create, **NANO)
create_mobile = functools.partial(DraftRevisionModel.create, **MOBILE)
create_quality = functools.partial(DraftRevisionModel.create, **QUALITY)
