"""An app with an index made concurrently (PostgreSQL); installed by SHOP_EXTRA_APPS."""
