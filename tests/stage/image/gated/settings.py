"""Settings with one app, so that a run is a matter of a second."""

SECRET_KEY = "only-for-a-sample-that-keeps-no-secrets"
INSTALLED_APPS = ["gated.apps.GatedConfig"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
