"""The data set ``synbokeh300``: 300 layered scenes of 512x512 from fixed seeds, with ray-traced ground truth."""
