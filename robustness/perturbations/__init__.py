"""What can be wrong about a disparity map."""
