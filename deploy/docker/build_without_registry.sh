#!/bin/sh
# Build the image where no registry of images can be reached: Debian's packages make the base (mmdebstrap), pip of this
# machine fetches the wheels, buildah builds. As root:
#   apt-get install buildah mmdebstrap
#   deploy/docker/build_without_registry.sh [NAME]
# PYTHON is a Python of the base's version (Debian 12: 3.11) with pip; BASE_TAR a base that was made before.
set -eu

name=${1:-ppocr}
python=${PYTHON:-python3.11}
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot

base=${BASE_TAR:-$work/base.tar}
if [ ! -e "$base" ]; then
    sources=""
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources; do
        [ -s "$file" ] && sources=$file
    done
    mmdebstrap --variant=minbase --include=python3,python3-venv \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' bookworm "$base" ${sources:+"$sources"}
fi
container=$(buildah from scratch)
buildah add --quiet "$container" "$base" / >/dev/null
buildah commit --quiet --rm "$container" localhost/ppocr-base >/dev/null

"$python" -m pip download --quiet --only-binary :all: --dest "$work/wheels" \
    -r "$root/deploy/docker/requirements.txt" 'setuptools>=68' wheel

printf '[global]\nno-index = true\nfind-links = /wheels\n' >"$work/pip.conf"

# The form of Docker, since OCI's has no health check.
buildah build --format docker --build-arg BASE=localhost/ppocr-base \
    --volume "$work/wheels:/wheels:ro" --volume "$work/pip.conf:/etc/pip.conf:ro" \
    --tag "$name" --file "$root/deploy/docker/Dockerfile" "$root"
buildah images "$name"
