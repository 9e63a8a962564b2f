"""The demo answers a three-hop question over two files of the standard library that runs the tests."""

import re
import sysconfig
from pathlib import Path

import pytest

from tests.support.cli import Cli


@pytest.mark.slow
def test_the_demo_follows_three_hops_and_cites_each_line(cli: Cli) -> None:
    done = cli("demo", LONGREAD_STATE_DIR="kept")
    assert done.returncode == 0, done.stderr
    library = Path(sysconfig.get_path("stdlib"))
    cited = {}
    for source, line in re.findall(r"^\[\d\] (\S+):(\d+)$", done.stdout, re.MULTILINE):
        cited[source, (library / source).read_text().splitlines()[int(line) - 1].strip()] = int(line)
    assert ("http/server.py", "class ThreadingHTTPServer(socketserver.ThreadingMixIn, HTTPServer):") in cited
    assert ("http/server.py", "class HTTPServer(socketserver.TCPServer):") in cited
    assert ("socketserver.py", "request_queue_size = 5") in cited
    read = re.search(r"read ([\d,]+) of ([\d,]+) chunks \(([\d.]+)M tokens\)", done.stderr)
    assert read
    assert read[1] == read[2]
    assert float(read[3]) * 4 > 10  # MB
    assert (cli.folder / "kept" / "journal.db").exists()  # beside the caller, not in the folder that was read
