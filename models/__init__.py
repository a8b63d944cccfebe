"""Everything that computes: the contract, the registry, the engine, one folder of backends a role."""
