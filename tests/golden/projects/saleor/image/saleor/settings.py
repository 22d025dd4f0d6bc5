"""As much of the project's settings as this test needs: what they say without the overlay."""

DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
DATABASE_ROUTERS = ["saleor.core.db_routers.PrimaryReplicaRouter"]
DATABASE_CONNECTION_REPLICA_NAME = "default"
