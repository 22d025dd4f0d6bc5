"""Settings that import what is published and wrap it, as netbox-branching asks for."""

from netbox_branching.utilities import DynamicSchemaDict

import dbalias_databases

DATABASES = DynamicSchemaDict(dbalias_databases.DATABASES)
DATABASE_ROUTERS = dbalias_databases.DATABASE_ROUTERS
