"""One photograph, one command: ``bokehbench blur``, and the same as ``bokehbench.photograph.blur.blur``."""
