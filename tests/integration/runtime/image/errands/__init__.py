"""An app whose commands tell how they are run."""
