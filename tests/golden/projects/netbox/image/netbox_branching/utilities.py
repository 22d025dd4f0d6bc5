"""A dictionary that answers as netbox-branching's: an alias for every branch."""

PREFIX = "schema_"


class DynamicSchemaDict(dict):
    """An alias that begins with the prefix is default with another search path."""

    def __contains__(self, alias):
        return alias.startswith(PREFIX) or super().__contains__(alias)

    def __getitem__(self, alias):
        if not alias.startswith(PREFIX):
            return super().__getitem__(alias)
        main = super().__getitem__("default")
        path = f"-c search_path={alias.removeprefix(PREFIX)},public"
        return {**main, "OPTIONS": {**main.get("OPTIONS", {}), "options": path}}
