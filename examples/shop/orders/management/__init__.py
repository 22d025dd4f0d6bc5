"""Management code of the orders."""
