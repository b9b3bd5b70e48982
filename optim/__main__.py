"""`python -m optim`."""

from .cli import main

main(prog_name="python -m optim")
