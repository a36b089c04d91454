"""The renderers and the one interface they implement."""
