"""No models: the migrations only take time."""
