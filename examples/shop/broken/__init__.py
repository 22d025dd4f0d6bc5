"""An app whose only migration fails half-way; installed by SHOP_EXTRA_APPS."""
