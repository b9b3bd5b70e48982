"""What machine this is, read without any heavy package."""

from __future__ import annotations

import os
import platform
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path

from .errors import RequestError


@cache
def processor_name() -> str:
    """The processor's marketing name, or its architecture where the system does not tell.

    Where a virtual machine hides the name, family and model are added: they decide which instructions it has.
    """
    info = _cpuinfo()
    if "model name" in info:
        numbers = [info[key] for key in ("cpu family", "model") if key in info]
        return f"{info['model name']} (family {', model '.join(numbers)})" if numbers else info["model name"]
    if platform.system() == "Darwin":
        command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or platform.machine()
    return platform.processor() or platform.machine()


@cache
def cpu_flags() -> frozenset[str]:
    """Instruction set names as the kernel spells them; empty where it does not tell."""
    info = _cpuinfo()
    return frozenset(info.get("flags", info.get("Features", "")).split())


def governor() -> str:
    """The frequency governor of the first core; empty where the system does not tell."""
    try:
        return Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").read_text().strip()
    except OSError:
        return ""


@cache
def _cpuinfo() -> dict[str, str]:
    """The first processor's lines of /proc/cpuinfo."""
    try:
        block = Path("/proc/cpuinfo").read_text().split("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.split(":", 1) for line in block.splitlines() if ":" in line)
    return {key.strip(): value.strip() for key, value in pairs}


def timing_devices() -> tuple[str, ...]:
    """Where files can be timed with the packages that are installed here."""
    try:
        metadata.version("onnxruntime-gpu")
    except metadata.PackageNotFoundError:
        return ("cpu",)
    return ("cpu", "cuda")


def check_gpu(train_device: str) -> None:
    """`RequestError` for a GPU that is not here to train on, before anything is kept."""
    if train_device == "cuda" and not count_gpus():
        remedy = "Choose auto, or install PyTorch's CUDA build on a machine with an NVIDIA GPU."
        raise RequestError("No NVIDIA GPU can be trained on here.", given="cuda", allowed="auto, cpu", remedy=remedy)


def count_gpus() -> int:
    """NVIDIA GPUs the kernel shows and `CUDA_VISIBLE_DEVICES` allows, found without loading torch.

    None where its CPU build is installed: training could not use them.
    """
    if "+cpu" in metadata.version("torch"):
        return 0
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    there = len(list(Path("/dev").glob("nvidia[0-9]*")))
    if allowed is None:
        return there
    return min(there, len([part for part in allowed.split(",") if part.strip() and part.strip() != "-1"]))
