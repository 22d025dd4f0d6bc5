"""An app whose migrations hold everything that a plan has to tell."""
