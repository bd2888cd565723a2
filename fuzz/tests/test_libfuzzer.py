"""Reading the output of libFuzzer, and its options."""

import sys
import tempfile
import unittest
from pathlib import Path

from fuzz import libfuzzer

PASSED = """\
#2	INITED cov: 88 ft: 89 corp: 1/1b exec/s: 0 rss: 38Mb
#4096	pulse  cov: 210 ft: 640 corp: 41/1033b lim: 43 exec/s: 2048 rss: 41Mb
#9001	DONE   cov: 215 ft: 700 corp: 52/1400b lim: 80 exec/s: 4500 rss: 44Mb
stat::number_of_executed_units: 9001
stat::peak_rss_mb:              44
"""
FAILED = """\
#7	NEW    cov: 88 ft: 89 corp: 2/2b lim: 4 exec/s: 0 rss: 38Mb L: 1/1 MS: 1 ChangeByte-
thread '<unnamed>' panicked at src/file.rs:1:1:
artifact_prefix='/a/file/'; Test unit written to /a/file/crash-da39a3ee
"""


class Reading(unittest.TestCase):
    def test_reads_the_progress_of_a_run(self):
        progress = read(PASSED)
        self.assertEqual((progress.executions, progress.edges, progress.inputs, progress.megabytes), (9001, 215, 52, 44))
        self.assertEqual(progress.artifact, "")

    def test_reads_the_input_of_a_failure(self):
        progress = read(FAILED)
        self.assertEqual((progress.executions, progress.artifact), (7, "/a/file/crash-da39a3ee"))
        self.assertIn("panicked", "\n".join(progress.lines))

    def test_a_program_with_an_exit_code_has_failed(self):
        for text, code in ((PASSED, 0), (FAILED, 77)):
            program = f"import sys; sys.stderr.write({text!r}); sys.exit({code})"
            passed, progress = libfuzzer.run([sys.executable, "-c", program], self.fail)
            self.assertEqual((passed, progress.executions > 0), (code == 0, True))


class Options(unittest.TestCase):
    def test_without_a_time_runs_the_kept_inputs_alone(self):
        with tempfile.NamedTemporaryFile() as dictionary:
            options = libfuzzer.options(0, 7, Path("a"), Path(dictionary.name))
            self.assertIn("-runs=0", options)
            self.assertIn(f"-dict={dictionary.name}", options)
        options = libfuzzer.options(60, 7, Path("a"), Path("nowhere.dict"))
        self.assertIn("-max_total_time=60", options)
        self.assertFalse([option for option in options if option.startswith(("-runs", "-dict"))])


def read(text: str) -> libfuzzer.Progress:
    progress = libfuzzer.Progress()
    for line in text.splitlines():
        progress.read(line)
    return progress


if __name__ == "__main__":
    unittest.main()
