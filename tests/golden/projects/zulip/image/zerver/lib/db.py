"""Classes that a driver is handed."""


class TimeTrackingCursor:
    """A cursor."""


class TimeTrackingConnection:
    """A connection."""
