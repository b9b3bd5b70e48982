"""Networks that earlier runs have made, found by the content hash of the recipe prefix that makes them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from .atomic import whole_folder
from .knapsack import Bought
from .models.network import Network

LIMIT_BYTES = 1_000_000_000


class StepCache:
    """Folders of weights and widths under `root`; the least recently used go when the limit is passed."""

    def __init__(self, root: Path, limit_bytes: int = LIMIT_BYTES) -> None:
        self.root, self.limit_bytes = root, limit_bytes

    def get(self, key: str, like: Network) -> Network | None:
        """The network kept under `key`, rebuilt in the shape of `like`, or None."""
        folder = self.root / key
        if not folder.is_dir():
            return None
        try:
            network = read_network(folder, like)
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError):
            shutil.rmtree(folder, ignore_errors=True)
            return None
        os.utime(folder)
        return network

    def put(self, key: str, network: Network) -> None:
        with whole_folder(self.root / key) as folder:
            write_network(folder, network)
        self.shrink()

    def shrink(self) -> None:
        """Let the least recently used go as long as the limit is passed."""
        folders = sorted((f for f in self.root.iterdir() if f.is_dir()), key=lambda f: f.stat().st_mtime, reverse=True)
        total = 0
        for folder in folders:
            total += sum(file.stat().st_size for file in folder.iterdir())
            if total > self.limit_bytes:
                shutil.rmtree(folder, ignore_errors=True)


def key_of(*parts: object) -> str:
    """Content hash of JSON-able parts: 24 hex digits.

    >>> key_of("digits", 1) == key_of("digits", 1), key_of("digits", 1) == key_of("digits", 2)
    (True, False)
    """
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:24]


def sha256(path: Path) -> str:
    """Of the file's bytes: 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_network(folder: Path, network: Network) -> None:
    """`weights.safetensors`, `widths.json`, and `bought.json` where there is something to tell; no pickle anywhere."""
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    save_file(state, folder / "weights.safetensors")
    (folder / "widths.json").write_text(json.dumps(network.widths))
    if network.bought:
        (folder / "bought.json").write_text(json.dumps({name: gain._asdict() for name, gain in network.bought.items()}))


def read_network(folder: Path, like: Network) -> Network:
    """The network of this folder, in evaluation mode on the CPU, in the shape of `like`."""
    network = like.rebuild(json.loads((folder / "widths.json").read_text()))
    network.load_state_dict(load_file(folder / "weights.safetensors"))
    told = folder / "bought.json"
    found = json.loads(told.read_text()) if told.is_file() else {}
    network.bought = {name: Bought(**gain) for name, gain in found.items()}
    return network.eval()
