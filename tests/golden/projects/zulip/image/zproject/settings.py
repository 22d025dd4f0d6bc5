"""Settings that import what is published and add what only Python can say."""

from zerver.lib.db import TimeTrackingConnection, TimeTrackingCursor

import dbalias_databases

DATABASES = dbalias_databases.DATABASES
DATABASES["default"]["OPTIONS"] |= {
    "connection_factory": TimeTrackingConnection,
    "cursor_factory": TimeTrackingCursor,
}
DATABASE_ROUTERS = dbalias_databases.DATABASE_ROUTERS
