"""Look at every second pixel from the first layer on (Howard et al. 2017, arXiv:1704.04861, section 3.2)."""

from __future__ import annotations

from ..context import Context
from ..errors import RequestError
from ..models.network import STRIDE, Network
from ..training import recalibrate


def early_stride(network: Network, ctx: Context) -> Network:
    """A copy whose first convolution takes steps of two pixels; all weights stay, batch-norm statistics are new.

    Every later layer then works on a quarter of the positions: resolution is given up for time, as by the resolution
    multiplier of Howard et al. 2017, but the filters go on from what they have learned. Raises `RequestError` for a
    network that does not begin with a convolution over pixels, or that takes such steps already.
    """
    if not network.has_stem:
        raise RequestError(
            "This model has no first convolution that could take larger steps.",
            given="early-stride",
            allowed="models that begin with a convolution over pixels",
        )
    if network.widths.get(STRIDE, 1) > 1:
        raise RequestError("The first convolution takes steps of two pixels already.", given="early-stride twice")
    faster = network.rebuild({**network.widths, STRIDE: 2})
    faster.load_state_dict(network.state_dict())
    faster.bought = dict(network.bought)
    faster.to(next(network.parameters()).device).train(network.training)
    ctx.progress(message="recalibrating batch-norm statistics")
    recalibrate(faster, ctx)
    return faster
