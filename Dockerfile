# Two images from one file: `service` (the registration alone) and `load` (partners, swarm, the command `launchnight`).
#
# What comes from outside comes in the stages named wheels, with the hashes of the locks; nothing later asks a network.
# Any Debian-like base with Python 3.11 and its venv will do: --build-arg BASE_IMAGE=...
ARG BASE_IMAGE=python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS wheels-service
WORKDIR /build
RUN python3 -m venv /opt/tools
COPY requirements/base.txt requirements/
RUN /opt/tools/bin/pip download --no-cache-dir --only-binary=:all: --require-hashes -r requirements/base.txt -d /wheels

FROM wheels-service AS wheels-load
COPY requirements/load.txt requirements/
RUN /opt/tools/bin/pip download --no-cache-dir --only-binary=:all: --require-hashes -r requirements/load.txt -d /wheels

# The environments have no pip of their own: what runs in a container cannot install anything. Code is compiled here,
# for nobody can later.
FROM wheels-service AS installed-service
RUN python3 -m venv --without-pip /opt/venv \
 && /opt/tools/bin/pip --python /opt/venv/bin/python install --no-cache-dir --no-index --find-links=/wheels \
      --require-hashes -r requirements/base.txt
WORKDIR /app
COPY service service
RUN /opt/venv/bin/python -m compileall -q .

FROM wheels-load AS installed-load
RUN python3 -m venv --without-pip /opt/venv \
 && /opt/tools/bin/pip --python /opt/venv/bin/python install --no-cache-dir --no-index --find-links=/wheels \
      --require-hashes -r requirements/load.txt
WORKDIR /app
COPY LICENSE README.md pyproject.toml ./
RUN /opt/tools/bin/pip --python /opt/venv/bin/python install --no-cache-dir --no-index --no-deps \
      --no-build-isolation --editable .
COPY requirements requirements
COPY service service
COPY scenarios scenarios
COPY reports reports
COPY loadtests loadtests
RUN /opt/venv/bin/python -m compileall -q .

# The code belongs to root; the user who runs it may write only to the folders that volumes are mounted over.
FROM ${BASE_IMAGE} AS runtime
RUN groupadd --gid 10001 launchnight \
 && useradd --uid 10001 --gid launchnight --no-create-home --home-dir /tmp --shell /usr/sbin/nologin launchnight \
 && install --directory --owner launchnight --group launchnight \
      /var/lib/launchnight/photos /var/lib/launchnight/targets /var/lib/launchnight/runs
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
USER 10001:10001

FROM runtime AS service
COPY --from=installed-service /opt/venv /opt/venv
COPY --from=installed-service /app /app
CMD ["python", "-m", "service", "--help"]

FROM runtime AS load
COPY --from=installed-load /opt/venv /opt/venv
COPY --from=installed-load /app /app
CMD ["launchnight", "--help"]
