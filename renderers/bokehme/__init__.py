"""BokehMe: a classical scatter, and two small networks that repair it where depth jumps."""
