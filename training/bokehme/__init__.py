"""Training of BokehMe's networks."""
