"""``refine``: a disparity map whose edges lie beside the picture's is moved back, where the picture shows it."""
