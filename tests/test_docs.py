"""What the documents say is there. A command, a file or a version that is named must exist."""

from __future__ import annotations

import ast
import itertools
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

import optim
from optim import catalog, recipes
from optim.cli import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
DIFF = re.search(r"```diff\n(.*?)```", CONTRIBUTING, re.DOTALL)
SHELL = [line for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) for line in block.splitlines() if line]
ENGINE_LINES = [line for line in SHELL if line.startswith("python -m optim")]
COMMANDS = [
    "doctor", "catalog", "baseline", "run", "list", "show", "pareto", "export", "cancel", "retry", "delete", "clean",
    "serve", "measure", "profile", "search", "bench train", "bench latency", "bench gate", "bench ui",
    "bench first-front", "bench front", "bench estimate", "bench names", "ask",
]  # fmt: skip
TEXTS = {".md", ".py", ".toml", ".txt", ".yml", ".yaml", ".cfg", ".json", ".sh", ""}


def tracked() -> list[Path]:
    """Every text file of the project."""
    asked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if asked.returncode:
        pytest.skip("not a git checkout")
    files = [ROOT / name for name in asked.stdout.split("\0") if name]
    return [file for file in files if file.suffix in TEXTS and file.is_file() and file.stat().st_size < 1_000_000]


def help_of(*command: str) -> str:
    told = CliRunner().invoke(main, [*command, "--help"])
    assert told.exit_code == 0, told.output
    return told.stdout


def test_the_two_commands_stand_on_the_first_screen():
    first_screen = README.splitlines()[:25]
    assert "pip install -r requirements.txt && streamlit run app.py" in first_screen
    assert "pip install -r requirements-dev.txt && pytest" in first_screen
    assert (ROOT / "app.py").is_file()


def test_every_requirement_is_pinned_with_its_reason():
    for name in ("requirements.txt", "requirements-dev.txt"):
        for line in (ROOT / name).read_text("utf-8").splitlines():
            assert not line or line.startswith(("#", "-r ")) or re.fullmatch(r"[\w-]+==[\w.]+  # \S.+", line), line


INDIRECT = {"cryptography", "faker"}
"""Asked for by distributed's TLS and by torch's exporter, not by us."""


def test_requirements_are_what_is_imported():
    files = [ROOT / "app.py", *(ROOT / "pages").rglob("*.py"), *(ROOT / "optim").rglob("*.py")]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text("utf-8")))]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level}
    tops = {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names) - {"optim", "pages"}
    needed = {{"sklearn": "scikit-learn"}.get(name, name) for name in tops}
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    pinned = {line.partition("==")[0] for line in lines if "==" in line}
    assert needed - {"playwright"} == pinned - INDIRECT


def test_every_linked_file_exists():
    for text in (README, CONTRIBUTING, (ROOT / "CHANGELOG.md").read_text("utf-8")):
        for target in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (ROOT / target).is_file(), target


def test_every_file_of_the_map_exists():
    rows = re.search(r"The map.*?\n\n((?:    [^\n]*\n)+)", CONTRIBUTING, re.DOTALL)
    assert rows
    for line in rows[1].splitlines():
        if line.startswith("      "):
            for name in line[:30].split():
                assert any((ROOT / "optim" / part).exists() for part in (f"{name}.py", name)), name
        else:
            assert all((ROOT / name).exists() for name in line[:30].split()), line


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_a_home(command):
    assert f"`{command.split()[0]}`" in README or f"python -m optim {command}" in README
    assert "--home" in help_of(*command.split())


@pytest.mark.parametrize("line", ENGINE_LINES)
def test_the_examples_of_the_readme_are_valid(line):
    words = shlex.split(line)[3:]
    options = {word for word in words if word.startswith("--")}
    text = help_of(words[0])
    assert all(option in text for option in options)
    for step in [value for name, value in itertools.pairwise(words) if name == "--step"]:
        assert recipes.parse_step(step).technique in catalog.TECHNIQUES


def test_the_changelog_has_this_version():
    assert f"## [{optim.__version__}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_no_address_of_a_package_registry_and_no_private_path():
    registries = (
        "py" + "pi.org",
        "python" + "hosted.org",
        "download." + "pytorch.org",
        "npm" + "js.org",
        "deb." + "debian.org",
    )
    forbidden = re.compile(
        "|".join([*map(re.escape, registries), "(?:extra-)?index" + "-url", r"(?<![\w.])/(?:work|root)/"])
    )
    found = {}
    for file in tracked():
        hit = forbidden.search(file.read_text("utf-8"))
        if hit:
            found[str(file.relative_to(ROOT))] = hit[0]
    assert not found


def test_the_markers_named_exist():
    markers = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["pytest"]["ini_options"]["markers"]
    named = set(re.findall(r"pytest -n 0 -m (\w+)", README + CONTRIBUTING))
    assert named <= {marker.partition(":")[0] for marker in markers}


@pytest.mark.skipif(shutil.which("git") is None, reason="applying a diff needs git")
def test_the_technique_of_ten_minutes_really_works(tmp_path):
    for name in ("optim", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "requirements.txt"):
        shutil.copy(ROOT / name, tmp_path)
    assert DIFF
    applied = subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=DIFF[1], capture_output=True, text=True)
    assert applied.returncode == 0, applied.stderr
    new = re.search(r'^\+\s+name="([\w-]+)"', DIFF[1], re.MULTILINE)
    assert new
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-n",
        "0",
        "-p",
        "no:cacheprovider",
        "tests/test_catalog.py",
        "-k",
        new[1],
    ]
    suite = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=110)
    assert suite.returncode == 0, suite.stdout[-2000:]
