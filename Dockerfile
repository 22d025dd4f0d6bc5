# The operator's image. Any base with Python 3.11 or later and its venv module will do: both stages
# use the same one, because the virtual environment points at the interpreter it was made with.
ARG BASE_IMAGE=python:3.13-slim

FROM ${BASE_IMAGE} AS builder
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /src
COPY requirements/build.txt requirements/runtime.txt requirements/
# pip stays in /opt/build and installs from there, so that the shipped environment never had one.
RUN python3 -m venv /opt/build \
 && /opt/build/bin/pip install --quiet --require-hashes -r requirements/build.txt \
 && python3 -m venv --without-pip /opt/dbalias \
 && /opt/build/bin/pip --python /opt/dbalias/bin/python install --quiet --no-compile \
        --require-hashes -r requirements/runtime.txt
COPY pyproject.toml LICENSE ./
COPY operator operator
# Compiled once, here: the root file system is read-only where it runs. By hash and unchecked,
# because a copy between stages need not keep the times that the usual check compares.
RUN /opt/build/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /tmp/wheel . \
 && /opt/build/bin/pip --python /opt/dbalias/bin/python install --quiet --no-compile --no-deps \
        /tmp/wheel/*.whl \
 && find /opt/dbalias/lib -type d \( -name tests -o -name test -o -name e2e_test \) -prune \
        -exec rm -rf {} + \
 && /opt/dbalias/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/dbalias/lib

FROM ${BASE_IMAGE}
COPY --from=builder /opt/dbalias /opt/dbalias
# One allocator arena: what a pass frees is used by the next, instead of once for each thread.
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 MALLOC_ARENA_MAX=1
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/opt/dbalias/bin/dbalias"]
CMD ["run"]
