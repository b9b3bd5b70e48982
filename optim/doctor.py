"""Is this machine ready? One line per fact, each with a remedy when it is not. Light room: heavy facts
come from a child.

`python -m optim doctor` prints it and the System page shows it. `python -m optim.doctor --heavy` is that child.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psutil

from . import hardware, words
from .errors import StoreError
from .home import home_option
from .records import State

ROOT = Path(__file__).resolve().parents[1]
GIB = 2**30
MEMORY_GIB, DISK_GIB = 2.0, 1.0
"""What a run of the largest shipped model needs, with room to spare."""
BUSY_PERCENT = 20.0
"""Share of the last ten seconds in which some task waited for a processor; above it times spread."""
HEAVY_SECONDS = 90
"""The first import of torch on a cold disk can take half a minute."""


class Line(NamedTuple):
    """One fact about this machine. `remedy` is empty when `ok`."""

    name: str
    ok: bool
    fact: str
    remedy: str = ""


def check(home: Path) -> list[Line]:
    """Every line, in reading order. Never raises: what cannot be found out is a line that is not ok."""
    return [python(), packages(), processor(), *now(home), loopback(), *heavy(), data(), baselines()]


def now(home: Path) -> list[Line]:
    """Those that change from minute to minute, and cost nothing to look at."""
    return [load(), memory(), *storage(home), store(home), driver(home)]


def python() -> Line:
    return Line("Python", True, f"{platform.python_version()} (tested with 3.11 and 3.12)")


def packages() -> Line:
    """Installed against pinned; a build tag such as `+cpu` is no difference."""
    pinned = dict(re.findall(r"^([\w-]+)==([^\s#]+)", (ROOT / "requirements.txt").read_text("utf-8"), re.MULTILINE))
    wrong = []
    for name, wanted in pinned.items():
        try:
            found = importlib.metadata.version(name).partition("+")[0]
        except importlib.metadata.PackageNotFoundError:
            found = "missing"
        if found != wanted:
            wrong.append(f"{name} {found} instead of {wanted}")
    if wrong:
        return Line("Packages", False, "; ".join(wrong), "Run: pip install -r requirements.txt")
    return Line("Packages", True, f"all {len(pinned)} as pinned")


def processor() -> Line:
    flags = hardware.cpu_flags()
    bf16 = "trains in bf16" if flags & {"avx512_bf16", "amx_bf16", "bf16"} else "no bf16 instructions: trains in fp32"
    vnni = flags & {"avx512_vnni", "avx_vnni", "i8mm", "asimddp"}
    int8 = "has INT8 instructions" if vnni else "no INT8 instructions: INT8 files may not be faster"
    cores = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    threads = os.cpu_count() or cores
    return Line("Processor", True, f"{hardware.processor_name()}, {cores} cores, {threads} threads; {bf16}; {int8}")


def load() -> Line:
    """Whether the machine is quiet enough to time on, and whether its clock is held down."""
    facts = []
    governor = hardware.governor()
    if governor:
        facts.append(f"governor {governor}")
    waiting = re.search(r"^some avg10=([\d.]+)", _read("/proc/pressure/cpu"), re.MULTILINE)
    if waiting:
        facts.append(f"tasks waited {float(waiting[1]):.0f} % of the last 10 s")
    facts.append(f"load {os.getloadavg()[0]:.2g}")
    remedies = []
    if waiting and float(waiting[1]) > BUSY_PERCENT:
        remedies.append("Close other programs before timing, or times are marked as not valid.")
    if governor == "powersave":
        remedies.append("Set the governor to performance for steadier times.")
    return Line("Quiet", not remedies, ", ".join(facts), " ".join(remedies))


def memory() -> Line:
    free = psutil.virtual_memory().available / GIB
    fact = f"{free:.1f} of {psutil.virtual_memory().total / GIB:.1f} GiB free"
    enough = free >= MEMORY_GIB
    return Line(
        "Memory", enough, fact, "" if enough else f"Close other programs: a run needs about {MEMORY_GIB:g} GiB."
    )


def storage(home: Path) -> Iterator[Line]:
    """The data folder can be written, and there is room in it."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home):
            pass
    except OSError as error:
        yield Line("Data folder", False, f"{home}: {error.strerror}", "Set PARETOSCOPE_HOME to a folder you can write.")
        return
    yield Line("Data folder", True, str(home))
    free = shutil.disk_usage(home).free / GIB
    remedy = "Run: python -m optim clean, or set PARETOSCOPE_HOME to a larger disk."
    yield Line("Disk", free >= DISK_GIB, f"{free:.1f} GiB free", "" if free >= DISK_GIB else remedy)


def store(home: Path) -> Line:
    from .store import SCHEMA_VERSION, Store

    try:
        runs = len(Store(home).runs())
    except StoreError as error:
        return Line("Store", False, error.what, error.remedy or "Set PARETOSCOPE_HOME to another folder.")
    return Line("Store", True, f"schema {SCHEMA_VERSION}, {words.plural(runs, 'run')}")


def driver(home: Path) -> Line:
    """A driver that is not running is no fault as long as nothing waits: the first run starts it."""
    from .jobs import driver_status

    status = driver_status(home)
    if status.alive:
        return Line("Driver", True, f"running, process {status.pid}")
    if waiting := _waiting(home):
        remedy = f"Start the worker on any page, or: python -m optim serve{home_option(home)}"
        return Line("Driver", False, f"not running, and {words.plural(waiting, 'run')} not done", remedy)
    return Line("Driver", True, "not running; the first run starts it")


def _waiting(home: Path) -> int:
    """How many runs are queued, or were running when the driver went."""
    from .store import Store

    try:
        return len(Store(home).runs(states=[State.QUEUED, State.RUNNING]))
    except StoreError:
        return 0


def loopback() -> Line:
    """Pages, driver and workers talk over 127.0.0.1."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError as error:
        return Line("Loopback", False, str(error), "Allow connections to 127.0.0.1 in the firewall or sandbox.")
    return Line("Loopback", True, "127.0.0.1 answers")


def data() -> Line:
    """The bundled files are as their README says; scikit-learn brings the digits."""
    folder = ROOT / "assets/data"
    told = re.findall(r"^## (\S+\.\w+) .*?`([0-9a-f]{64})`", _read(folder / "README.md"), re.MULTILINE | re.DOTALL)
    broken = [name for name, sha256 in told if not _is_whole(folder / name, sha256)]
    package = importlib.util.find_spec("sklearn")
    if package is None or package.origin is None or not Path(package.origin).with_name("datasets").is_dir():
        broken.append("digits (in scikit-learn)")
    if broken or not told:
        remedy = "Run: git checkout assets, and: pip install -r requirements.txt"
        return Line("Data sets", False, f"missing or damaged: {', '.join(broken) or 'all'}", remedy)
    return Line("Data sets", True, f"digits, {', '.join(name for name, _ in told)}: whole")


def _is_whole(file: Path, sha256: str) -> bool:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest() == sha256
    except OSError:
        return False


def baselines() -> Line:
    cards = sorted((ROOT / "assets/baselines").glob("*/*/card.json"))
    whole = [card for card in cards if (card.parent / "weights.safetensors").is_file()]
    names = ", ".join(f"{card.parent.parent.name}/{card.parent.name}" for card in whole)
    if not whole or len(whole) < len(cards):
        return Line("Baselines", False, names or "none", "Fetch the project's files again: git checkout assets")
    return Line("Baselines", True, names)


def heavy() -> list[Line]:
    """Lines that need torch or ONNX Runtime, found out in a child so that this process stays light."""
    command = [sys.executable, "-m", "optim.doctor", "--heavy"]
    remedy = "Run: pip install -r requirements.txt"
    try:
        child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=HEAVY_SECONDS)
    except subprocess.TimeoutExpired:
        return [Line("PyTorch and ONNX Runtime", False, f"no answer within {HEAVY_SECONDS} s", remedy)]
    if child.returncode != 0:
        fact = (child.stderr.strip().splitlines() or [f"exit code {child.returncode}"])[-1]
        return [Line("PyTorch and ONNX Runtime", False, fact, remedy)]
    return [Line(**line) for line in json.loads(child.stdout.splitlines()[-1])]


def _torch_line() -> Line:
    import torch

    weight = torch.ones(4, 4, requires_grad=True)
    (weight @ weight).sum().backward()
    works = weight.grad is not None and bool((weight.grad == 8).all())
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    fact = f"{torch.__version__}, trains on {', '.join(gpus) or 'the CPU: no NVIDIA GPU is visible'}"
    return Line("PyTorch", works, fact, "" if works else "Reinstall it: pip install --force-reinstall torch")


def _onnxruntime_line() -> Line:
    import onnxruntime

    providers = onnxruntime.get_available_providers()
    remedy = "" if "CPUExecutionProvider" in providers else "Reinstall it: pip install --force-reinstall onnxruntime"
    return Line("ONNX Runtime", not remedy, f"{onnxruntime.__version__}, {', '.join(providers)}", remedy)


def _read(path: str | Path) -> str:
    """The text of a system file, empty where this system has none."""
    try:
        return Path(path).read_text("utf-8", errors="replace")
    except OSError:
        return ""


if __name__ == "__main__" and "--heavy" in sys.argv:
    print(json.dumps([_torch_line()._asdict(), _onnxruntime_line()._asdict()]))
