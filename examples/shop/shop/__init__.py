"""A small shop: what dbalias' examples, demo and tests run."""
