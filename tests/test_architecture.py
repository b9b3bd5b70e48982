"""The rules that keep the two rooms apart, and the files small. A new file falls under them by being there."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

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
    "loss_guard", "after_int8",
}  # fmt: skip


@cache
def tree(file: Path) -> ast.Module:
    """Each file is read once for all rules."""
    return ast.parse(file.read_text("utf-8"))


@cache
def nodes(file: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(tree(file)))


def breakers(files: Iterable[Path], rule: Callable[[Path], Iterable[object]]) -> list[str]:
    """What breaks the rule, by file: `rule` yields a word for each place. One test a rule: there are many files."""
    return [f"{file.relative_to(ROOT)}: {told}" for file in files for told in rule(file)]


@cache
def imported(file: Path) -> set[str]:
    """Dotted names of everything the file imports, at any depth; relative ones as `optim...`."""
    package = file.relative_to(ROOT).parts[:-1]
    found = set()
    for node in nodes(file):
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


def test_pages_import_no_store_engine_and_nothing_heavy():
    def rule(file):
        names = imported(file)
        yield from tops(names) & (HEAVY_MODULES | {"sqlite3", "sqlalchemy", "distributed", "dask"})
        yield from {part for name in names if name.startswith("optim.") for part in [name.split(".")[1]]} & HEAVY_ROOM

    assert not breakers(PAGES, rule)


def test_the_engine_never_imports_streamlit():
    assert not breakers(ENGINE, lambda file: tops(imported(file)) & {"streamlit", "pages", "app"})


def test_pages_ask_the_row_and_not_the_kind_of_data():
    def rule(file):
        for node in nodes(file):
            if isinstance(node, ast.Attribute) and node.attr == "ranks":
                yield node.lineno
            if isinstance(node, ast.Compare):
                values = {one.value for one in ast.walk(node) if isinstance(one, ast.Constant)}
                yield from [node.lineno] if values & set(KINDS) else []

    assert not breakers(PAGES, rule)


def test_only_the_store_speaks_sql():
    speakers = {str(file.relative_to(ROOT)) for file in ENGINE if tops(imported(file)) & {"sqlalchemy", "sqlite3"}}
    assert {Path(name).stem.partition("_")[0] for name in speakers} <= {"store"}


def test_torch_optim_is_never_called_optim():
    def rule(file):
        for node in nodes(file):
            if isinstance(node, ast.ImportFrom) and node.module == "torch":
                yield from ["say torch.optim.SGD"] if "optim" in {alias.name for alias in node.names} else []

    assert not breakers([*PAGES, *ENGINE, *TESTS], rule)


def test_files_stay_small():
    def rule(file):
        lines = len(file.read_text("utf-8").splitlines())
        most = 60 if file.parent == ROOT / "pages" or file.name == "app.py" else 250
        yield from [f"{lines} lines, at most {most}"] if lines > most else []
        yield from ["a helper lives with its user"] if file.name == "utils.py" else []

    assert not breakers([*PAGES, *ENGINE], rule)


def test_functions_stay_short():
    def rule(file):
        for node in nodes(file):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                yield from [f"{node.name} has {lines} lines"] if lines > 40 else []

    assert not breakers([*PAGES, *ENGINE, *TESTS], rule)


ACTS = {"button", "download_button", "form_submit_button"}


ACTS = {"button", "download_button", "form_submit_button"}


def acts(call: ast.Call) -> bool:
    """A button; `compared.button` makes its key of the run that it is given."""
    named = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    return named in ACTS and ast.unparse(call.func) != "compared.button"


def of_a_run(function: ast.FunctionDef) -> bool:
    """It is given a run or a search; a mapping holds every run."""
    given = (ast.unparse(arg.annotation) for arg in function.args.args if arg.annotation is not None)
    return any("Mapping" not in one and {"Run", "Search"} & set(re.findall(r"\w+", one)) for one in given)


def test_what_acts_on_a_run_carries_its_number():
    """A click on a page drawn earlier goes to the widget with the same key: it must not belong to another run."""

    def rule(file):
        for function in nodes(file):
            if not isinstance(function, ast.FunctionDef) or not of_a_run(function):
                continue
            numbered = {ast.unparse(one.targets[0]) for one in ast.walk(function)
                        if isinstance(one, ast.Assign) and ".id" in ast.unparse(one.value)}  # fmt: skip
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and acts(call):
                    key = next((ast.unparse(one.value) for one in call.keywords if one.arg == "key"), "")
                    splat = {ast.unparse(one.value) for one in call.keywords if one.arg is None}
                    if "key_of(" not in key and ".id" not in key and not splat & numbered:
                        yield f"line {call.lineno}: key {key or 'missing'}"

    assert not breakers(PAGES, rule)


def test_every_file_says_what_it_is():
    def rule(file):
        yield from [] if ast.get_docstring(tree(file)) or not tree(file).body else ["no docstring"]

    assert not breakers([*PAGES, *ENGINE], rule)


def test_a_broken_rule_is_told_with_its_file_and_place():
    assert breakers([Path(__file__)], lambda file: [7]) == ["tests/test_architecture.py: 7"]
