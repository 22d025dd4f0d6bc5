"""As much of the project's settings as this test needs: what they say without the overlay."""

DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
DATABASE_ROUTERS = ["baserow.config.db_routers.ReadReplicaRouter"]
DATABASE_READ_REPLICAS = []
