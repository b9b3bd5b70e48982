"""Structured pruning: whole channels leave the network (Li et al. 2017, arXiv:1608.08710)."""

from __future__ import annotations

from ..context import Context
from ..importance import with_taylor
from ..models.network import Network
from ..plan import prune_plan
from ..records import KnobValue
from ..surgery import anatomy, cut
from ..training import recalibrate


def prune_channels(
    network: Network,
    ctx: Context,
    *,
    sparsity: float = 0.5,
    importance: str = "l2",
    allocation: str = "uniform",
    latency_target: float = 0.5,
    round_to: int = 1,
    widths: str = "",
) -> Network:
    """A smaller network with `sparsity` of its channels removed, batch-norm statistics recalibrated.

    The least important channels go: smallest `l1` or `l2` norm of their filters (Li et al. 2017, section 3.1, here
    with the batch norm folded in), smallest `taylor` (what the loss feels on training images: Molchanov et al. 2019,
    arXiv:1906.10771), or `random` ones as a control. `uniform` takes the same share of every group, `global` ranks
    all channels together and leaves each group a tenth. `latency` loses least importance within `latency_target`
    times the dense time, as the model's profile tells it (arXiv:2110.10811). `manual` leaves the groups that `widths`
    names (`stage1:8+stage2:16`) that many. Raises `KnobError` for widths that cannot be.
    """
    knobs: dict[str, KnobValue] = {
        "sparsity": sparsity, "importance": importance, "allocation": allocation,
        "latency_target": latency_target, "round_to": round_to, "widths": widths,
    }  # fmt: skip
    body = anatomy(network, ctx.row, "", 1.0)
    if importance == "taylor":
        ctx.progress(message="measuring what the loss would feel of each removal")
        body = with_taylor(body, network, ctx)
    plan = prune_plan(body, knobs, ctx.seed, ctx.speed)
    smaller = cut(network, plan.kept)
    smaller.bought = {**network.bought, **plan.bought}
    if smaller.widths == network.widths:
        ctx.warnings.append(_nothing(allocation))
        return smaller
    ctx.progress(message="recalibrating batch-norm statistics")
    recalibrate(smaller, ctx)
    return smaller


def _nothing(allocation: str) -> str:
    if allocation == "latency":
        return "Pruning removed nothing: the model is as fast as the target already."
    if allocation == "manual":
        return "Pruning removed nothing: every named width is the size its group has already."
    return "Pruning removed nothing: the sparsity is too small here, or rounding undid it."
