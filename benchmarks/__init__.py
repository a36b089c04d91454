"""Cases, runner, metrics, result rows and statistics."""
