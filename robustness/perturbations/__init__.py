"""What can be wrong about a renderer's inputs."""
