"""An app with every kind of relation, for tests of the routing audit."""
