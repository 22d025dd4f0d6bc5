"""As much of the project's settings as this test needs: what they say without the overlay."""

DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
DATABASE_ROUTERS = ["readthedocs.core.db.SplitAppsRouter"]
