"""A project of three migrations, with gates at every step of a run."""

import gate  # noqa: F401 - puts the gates up

SECRET_KEY = "only-for-a-sample-that-keeps-no-secrets"
INSTALLED_APPS = ["steps"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
