# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the demonstrations share: say it, check it, post the examples of the manual."""

import argparse
import json
import os
import re
import subprocess
import sys
import time

from lab import end_on_signals

EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "doc", "examples")


class Wrong(Exception):
    """The air or the status is not what it has to be."""


def say(text=""):
    print(text, flush=True)


def check(right, reason):
    if not right:
        raise Wrong(reason)


def clock():
    return time.strftime("%H:%M:%S")


def example(name, **elements):
    """An example of the manual with the text of some elements replaced."""
    with open(os.path.join(EXAMPLES, name), encoding="utf-8") as file:
        text = file.read()
    for element, value in elements.items():
        text, n = re.subn(f"<{element}>[^<]*</{element}>", f"<{element}>{value}</{element}>", text)
        check(n == 1, f"{name} has {n} elements {element}")
    return text


def post(url, folder, name, document):
    """Post it as anybody would, with curl; the answer, which has to be 202."""
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(document)
    command = ["curl", "-sS", "-H", "Content-Type: application/cap+xml", "--data-binary", f"@{path}",
               "-w", "\n%{http_code}", f"{url}/v1/alerts"]
    say(f"\n$ curl -H 'Content-Type: application/cap+xml' --data-binary @{path} {url}/v1/alerts")
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    body, status = output.rsplit("\n", 1)
    answer = json.loads(body) if body else {}
    say(f"HTTP {status}\n{json.dumps(answer, indent=2, ensure_ascii=False)}")
    check(status == "202", f"the answer to {name} is {status}, not 202")
    return answer


def failed(reason, logs):
    """Say what is wrong; the exit status."""
    say(f"\nWRONG: {'' if isinstance(reason, Wrong) else type(reason).__name__ + ': '}{reason}"
        f"\n\nThe logs end so:\n{logs}")
    return 1


def main(run, missing):
    """Run it with the arguments of the command line, to the end or until Ctrl-C.

    missing: why it cannot run on this machine, or None."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tocsind", required=True)
    parser.add_argument("--once", action="store_true")
    arguments = parser.parse_args()
    if missing:
        sys.exit(f"demo: {missing}")
    end_on_signals()
    try:
        sys.exit(run(arguments))
    except KeyboardInterrupt:
        say("\nEnded; everything that was started is gone.")
        sys.exit(130 if arguments.once else 0)
