"""Result bundles: a stored run as one file, which another machine takes in beside its own."""
