"""The rules that keep the two rooms apart, and the files small. A new file falls under them by being there."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from optim.catalog_kinds import KINDS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "app.py", *sorted((ROOT / "pages").rglob("*.py"))]
ENGINE = sorted((ROOT / "optim").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
HEAVY_MODULES = {"torch", "onnx", "onnxruntime", "onnxscript", "sklearn", "faker"}
HEAVY_ROOM = {
    "worker", "pipeline", "context", "baseline_training", "cache", "data", "models", "techniques", "surgery",
    "importance", "training", "augmentation", "replicas", "variants", "export", "gate", "runtime", "latency", "timing",
    "timing_many", "scoring", "cost", "bench", "keeping", "together", "operator_times", "prefixes", "profiling",
    "profiling_times", "collapse", "lessons", "inference", "optimizers", "asking", "batching", "request",
}  # fmt: skip


def named(files):
    return [pytest.param(file, id=str(file.relative_to(ROOT))) for file in files]


def imported(file: Path) -> set[str]:
    """Dotted names of everything the file imports, at any depth; relative ones as `optim...`."""
    package = file.relative_to(ROOT).parts[:-1]
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return found


def tops(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def in_a_child(code: str, *arguments: str) -> list[str]:
    """Run code in a fresh interpreter; the JSON of its last line."""
    child = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=110
    )
    assert child.returncode == 0, child.stderr[-3000:]
    return json.loads(child.stdout.splitlines()[-1])


RENDER = """
import json, sys
from streamlit.testing.v1 import AppTest
at = AppTest.from_file("app.py", default_timeout=60).run()
assert not at.exception, at.exception
for page in sys.argv[1:]:
    at.switch_page(page).run()
    assert not at.exception, (page, at.exception)
    assert at.title, (page, "no title")
print(json.dumps(sorted(sys.modules)))
"""

IMPORT = """
import importlib, json, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(json.dumps(sorted(sys.modules)))
"""


def test_rendering_every_page_loads_nothing_heavy():
    pages = [str(page.relative_to(ROOT)) for page in PAGES if page.parent == ROOT / "pages"]
    assert pages
    assert not tops(set(in_a_child(RENDER, *pages))) & HEAVY_MODULES


def test_the_light_room_loads_nothing_heavy():
    light = [f"optim.{file.stem}" for file in ENGINE if file.parent == ROOT / "optim"]
    light = [name for name in light if name.partition(".")[2] not in HEAVY_ROOM | {"__init__", "__main__"}]
    assert not tops(set(in_a_child(IMPORT, *light))) & (HEAVY_MODULES | {"streamlit", "playwright"})


@pytest.mark.parametrize("file", named(PAGES))
def test_pages_import_no_store_engine_and_nothing_heavy(file):
    names = imported(file)
    assert not tops(names) & (HEAVY_MODULES | {"sqlite3", "sqlalchemy", "distributed", "dask"})
    assert not {part for name in names if name.startswith("optim.") for part in [name.split(".")[1]]} & HEAVY_ROOM


@pytest.mark.parametrize("file", named(ENGINE))
def test_the_engine_never_imports_streamlit(file):
    assert not tops(imported(file)) & {"streamlit", "pages", "app"}


@pytest.mark.parametrize("file", named(PAGES))
def test_pages_ask_the_row_and_not_the_kind_of_data(file):
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        assert not (isinstance(node, ast.Attribute) and node.attr == "ranks"), node.lineno
        values = [one.value for one in ast.walk(node) if isinstance(one, ast.Constant)]
        assert not (isinstance(node, ast.Compare) and set(values) & set(KINDS)), node.lineno


def test_only_the_store_speaks_sql():
    speakers = {str(file.relative_to(ROOT)) for file in ENGINE if tops(imported(file)) & {"sqlalchemy", "sqlite3"}}
    assert {Path(name).stem.partition("_")[0] for name in speakers} <= {"store"}


@pytest.mark.parametrize("file", named([*PAGES, *ENGINE, *TESTS]))
def test_torch_optim_is_never_called_optim(file):
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "torch":
            assert "optim" not in {alias.name for alias in node.names}, "say torch.optim.SGD"


@pytest.mark.parametrize("file", named([*PAGES, *ENGINE]))
def test_files_stay_small(file):
    lines = len(file.read_text("utf-8").splitlines())
    assert lines <= (60 if file.parent == ROOT / "pages" or file.name == "app.py" else 250)
    assert file.name != "utils.py", "a helper lives with its user"


@pytest.mark.parametrize("file", named([*PAGES, *ENGINE, *TESTS]))
def test_functions_stay_short(file):
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            assert lines <= 40, f"{node.name} has {lines} lines"


@pytest.mark.parametrize("file", named([*PAGES, *ENGINE]))
def test_every_file_says_what_it_is(file):
    tree = ast.parse(file.read_text("utf-8"))
    assert ast.get_docstring(tree) or not tree.body
