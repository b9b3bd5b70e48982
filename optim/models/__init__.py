"""One file per family; each build function takes group widths and gives a `Network`."""
