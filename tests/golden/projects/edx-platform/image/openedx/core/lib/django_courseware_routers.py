"""A router that answers as Open edX' own."""

HISTORY = "student_module_history"


class StudentModuleHistoryExtendedRouter:
    """One model has a database of its own, and is related to one other model alone."""

    def db_for_read(self, model, **hints):
        """Answer for the history alone."""
        return HISTORY if is_history(model) else None

    db_for_write = db_for_read

    def allow_relation(self, obj1, obj2, **hints):
        """Allow a state and its history; refuse all else with the history."""
        if obj1._meta.label == "courseware.StudentModule" and is_history(obj2):
            return True
        return False if is_history(obj1) or is_history(obj2) else None

    def allow_migrate(self, db, app_label, model_name=None, model=None, **hints):
        """Allow the history in its database alone, and nothing else there."""
        if model is not None and is_history(model):
            return db == HISTORY
        return False if db == HISTORY else None


def is_history(model):
    """Return whether this is the one model, or an instance of it."""
    return model._meta.label == "coursewarehistoryextended.StudentModuleHistoryExtended"
