"""The kill matrix: a run is held at an exact step, something is killed, and the end is compared.

`steps` names where a run can stand, `gates` and `holds` keep it there, `strikes` kill, `cells`
say what must come of it and play it, `world` is what the end is compared by.
"""
