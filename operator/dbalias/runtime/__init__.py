"""What runs in the application's image: the modules published beside databases.json.

Standard library and Django only, Python 3.9 and Django 4.2 or later. They import each other by
flat names, because they lie in one folder at run time; nothing of dbalias imports them, and they
import nothing of dbalias: the operator reads them as text. Which does what:
`dbalias_databases` (loader), `dbalias_settings` (overlay), `dbalias_routers` (what
DATABASE_ROUTERS names, on `dbalias_policies`, `dbalias_rules` and `dbalias_pins`),
`dbalias_migrate` and `dbalias_manage` (the Jobs' programs), `dbalias_wait` (for initContainers).

`read_settings` and `compare_routers` are never published: `dbalias import` runs them in the
interpreter of the project whose settings it reads.
"""
