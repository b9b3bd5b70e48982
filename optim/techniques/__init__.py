"""One file per technique, each with one public function; its row in the catalogue names it.

A network step is `(network, ctx, *, knobs) -> network`, a file step `(path, ctx, *, knobs) -> path`.
Neither changes what it was given.
"""
