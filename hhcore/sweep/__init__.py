"""From a grid to shards of simulated neurons, and back to the grid."""
