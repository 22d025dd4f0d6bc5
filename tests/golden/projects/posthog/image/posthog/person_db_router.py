"""A router that answers as PostHog's own for the models of its second database."""

PERSONS = {
    "person",
    "persondistinctid",
    "personlessdistinctid",
    "personoverridemapping",
    "personoverride",
    "pendingpersonoverride",
    "flatpersonoverride",
    "featureflaghashkeyoverride",
    "cohortpeople",
    "group",
    "grouptypemapping",
}


class PersonDBRouter:
    """Persons are written to one database, read from its replica, and migrated by others."""

    def db_for_read(self, model, **hints):
        """Answer for persons alone."""
        return "persons_db_reader" if is_person(model) else None

    def db_for_write(self, model, **hints):
        """Answer for persons alone."""
        return "persons_db_writer" if is_person(model) else None

    def allow_relation(self, obj1, obj2, **hints):
        """Allow persons among each other and with teams; leave what has none of them."""
        persons = [obj for obj in (obj1, obj2) if is_person(obj)]
        if not persons:
            return None
        others = [obj for obj in (obj1, obj2) if not is_person(obj)]
        return all(obj._meta.label == "posthog.Team" for obj in others)

    def allow_migrate(self, db, app_label, **hints):
        """Refuse all on the persons' database."""
        return db != "persons_db_writer"


def is_person(model):
    """Return whether a model, or an instance of it, is one of the persons'."""
    return model._meta.app_label == "posthog" and model._meta.model_name in PERSONS
