"""One file per data source; each a function that returns `Splits`."""
