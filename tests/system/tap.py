# SPDX-License-Identifier: AGPL-3.0-or-later
"""unittest that speaks TAP: one line per test, its sentence taken from the first line of its docstring."""

import sys
import traceback
import unittest


class _Result(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.count = 0

    def _line(self, verdict, test, note=""):
        self.count += 1
        print(f"{verdict} {self.count} - {test.shortDescription() or test.id()}{note}", flush=True)

    def startTest(self, test):
        super().startTest(test)
        print(f"# {test.id()}", flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self._line("ok", test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._line("ok", test, f" # SKIP {reason}")

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error:
            self._bad(subtest, error)

    def _bad(self, test, error):
        text = "".join(traceback.format_exception(*error))
        print("".join(f"# {line}\n" for line in text.splitlines()), end="", flush=True)
        try:
            text = getattr(test, "test_case", test).explain()
        except Exception as trouble:        # a test that never came far enough to explain itself
            text = f"(no more is known: {trouble!r})"
        print("".join(f"# {line}\n" for line in text.splitlines()), end="", flush=True)
        self._line("not ok", test)

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self._bad(test, error)

    def addError(self, test, error):
        super().addError(test, error)
        self._bad(test, error)


class _InOrderOfText(unittest.TestLoader):
    """Tests of one class share a network, so they run as they are written."""

    def getTestCaseNames(self, case):
        names = super().getTestCaseNames(case)
        return sorted(names, key=lambda name: getattr(case, name).__code__.co_firstlineno)


def main(skip_all=None):
    """Run the tests of the calling program, or those named on its command line.

    skip_all: why none of them can run here, or None."""
    if skip_all:
        print(f"1..0 # SKIP {skip_all}")
        sys.exit(0)
    sys.stdout.reconfigure(errors="backslashreplace")
    program, loader = sys.modules["__main__"], _InOrderOfText()
    names = sys.argv[1:]
    suite = loader.loadTestsFromNames(names, program) if names else loader.loadTestsFromModule(program)
    result = _Result()
    suite.run(result)
    print(f"1..{result.count}")
    sys.exit(0 if result.count and result.wasSuccessful() else 1)
