"""Structured pruning: whole channels leave the network (Li et al. 2017, arXiv:1608.08710)."""

from __future__ import annotations

from ..context import Context
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
    round_to: int = 1,
    widths: str = "",
) -> Network:
    """A smaller network with `sparsity` of its channels removed, batch-norm statistics recalibrated.

    The least important channels go: smallest `l1` or `l2` norm of their filters (Li et al. 2017, section 3.1, here
    with the batch norm folded in), or `random` ones as a control. `uniform` takes the same share of every group,
    `global` ranks all channels together and leaves each group a tenth; `manual` leaves the groups that `widths` names
    (`stage1:8+stage2:16`) that many, whatever `sparsity` says. Raises `KnobError` for widths that cannot be.
    """
    knobs: dict[str, KnobValue] = {
        "sparsity": sparsity, "importance": importance, "allocation": allocation, "round_to": round_to,
        "widths": widths,
    }  # fmt: skip
    plan = prune_plan(anatomy(network, ctx.row, "", 1.0), knobs, ctx.seed)
    smaller = cut(network, plan.kept)
    if smaller.widths == network.widths:
        ctx.warnings.append(_nothing(allocation))
        return smaller
    ctx.progress(message="recalibrating batch-norm statistics")
    recalibrate(smaller, ctx)
    return smaller


def _nothing(allocation: str) -> str:
    if allocation == "manual":
        return "Pruning removed no channel: every named width is the size its group has already."
    return "Pruning removed no channel: the sparsity is too small here, or rounding undid it."
