"""What Django reads: engines, DATABASES, routing tables and the published artefact.

Everything here is pure: declared values and the contents of Secrets go in, documents come
out. Only ``migrations`` and the rooms above it may import from here.
"""
