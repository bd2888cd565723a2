"""The checks before the images are built."""

import contextlib
import io
import os
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from tools import base_images
from tools.problem import Problem


class BaseImages(unittest.TestCase):
    """With a stub of `docker`, which fails at the command that a test names until it is prepared."""

    def setUp(self):
        contexts = contextlib.ExitStack()
        self.addCleanup(contexts.close)
        self.directory = Path(contexts.enter_context(tempfile.TemporaryDirectory()))
        stub = self.directory / "docker"
        stub.write_text('#!/bin/sh\ncd "$(dirname "$0")"\ntest -e prepared || ! echo "$*" | grep -qf failing\n')
        stub.chmod(0o755)
        contexts.enter_context(mock.patch.dict(os.environ, {"PATH": f"{self.directory}:{os.environ['PATH']}"}))
        os.environ.pop("PREPARE_BASE_IMAGES", None)

    def test_checks_both_images_of_the_dockerfile(self):
        self.assertEqual(len(base_images.names()), 2)
        self._fail_at("no command at all")
        base_images.provide()

    def test_reports_what_is_missing(self):
        for command, message in (
            ("^buildx version", "sam build needs docker buildx"),
            ("inspect .*cargo-lambda", "base image ghcr.io/cargo-lambda/cargo-lambda:"),
            ("^run ", "cannot run arm64 images"),
        ):
            self._fail_at(command)
            with self.subTest(command), self.assertRaisesRegex(Problem, message):
                base_images.provide()

    def test_a_local_image_needs_no_registry(self):
        self._fail_at("imagetools")
        base_images.provide()

    def test_runs_the_command_that_provides_what_is_missing(self):
        self._fail_at("^buildx version")
        with mock.patch.dict(os.environ, {"PREPARE_BASE_IMAGES": f"touch {self.directory}/prepared"}):
            with contextlib.redirect_stdout(io.StringIO()):
                base_images.provide()
        (self.directory / "prepared").unlink()
        for command in ("true", "false"):
            with mock.patch.dict(os.environ, {"PREPARE_BASE_IMAGES": command}), self.assertRaises(Problem):
                with contextlib.redirect_stdout(io.StringIO()):
                    base_images.provide()

    def _fail_at(self, pattern: str) -> None:
        (self.directory / "failing").write_text(pattern + "\n")
