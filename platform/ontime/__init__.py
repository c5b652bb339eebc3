"""What every component of the platform agrees on: contract, clock, warehouse, features, training, registry, runtime."""
