"""How long an estimate takes: the first one after a start, each in a process of its own, and those that follow."""

from __future__ import annotations

import json
import subprocess
import sys
import time

from .. import estimate, estimate_accuracy, profile_plans
from ..doctor import ROOT
from ..profiles import Profile
from . import median_spread

STARTS, FOLLOWING, SEED = 5, 20, 21


def speed(profile: Profile, starts: int = STARTS) -> dict:
    """Milliseconds of a first and of a warm estimate, with their spread; what a process imports is not counted."""
    command = [sys.executable, "-m", "optim.bench.estimate_speed"]
    first, warm = [], []
    for _ in range(starts):
        answer = subprocess.run(command, cwd=ROOT, input=profile.to_json(), capture_output=True, text=True, check=True)
        found = json.loads(answer.stdout)
        first.append(found["first_ms"])
        warm += found["warm_ms"]
    return {"first_ms": median_spread(first), "slowest_first_ms": max(first), "warm_ms": median_spread(warm)}


def estimate_ms(profile: Profile, plan: dict[str, int]) -> float:
    """What Design asks at a move of a slider: latency, accuracy right after pruning, and after training."""
    started = time.perf_counter()
    estimate.latency_ms(profile, plan, "fp32")
    estimate.accuracy(profile, plan)
    estimate_accuracy.recovered(profile, plan)
    return 1000 * (time.perf_counter() - started)


def _child() -> None:
    profile = Profile.from_json(sys.stdin.read())
    first, *warm = (estimate_ms(profile, plan) for plan in
                    profile_plans.random_plans(profile.sizes(), 1 + FOLLOWING, SEED))  # fmt: skip
    print(json.dumps({"first_ms": first, "warm_ms": warm}))


if __name__ == "__main__":
    _child()
