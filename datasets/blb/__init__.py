"""BLB: scenes rendered with Blender, with focal stacks."""
