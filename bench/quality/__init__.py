"""How well knowledge is found, on a labelled set."""
