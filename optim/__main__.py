"""`python -m optim`."""

import sys

try:
    from .cli import main
except ModuleNotFoundError as missing:
    if (missing.name or "").partition(".")[0] == __package__:
        raise
    print(
        f"error: The package {missing.name} is not installed here. Given: {sys.executable}. "
        "Activate the environment that Paretoscope was installed in, or install it: pip install -r requirements.txt",
        file=sys.stderr,
    )
    sys.exit(2)

main(prog_name="python -m optim")
