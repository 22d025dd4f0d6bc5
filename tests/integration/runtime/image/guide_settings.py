"""The shop with the guide's second half as settings: no published file, both routers."""

import json
import os

import pymysql
from shop.settings import *  # noqa: F403

pymysql.install_as_MySQLdb()

DATABASES = {"default": {}, **json.loads(os.environ["GUIDE_DATABASES"])}
DATABASE_ROUTERS = ["guide_routers.AuthRouter", "guide_routers.PrimaryReplicaRouter"]
