"""Whatever the description of the API allows, and what it does not: never a 500, always one line that says why."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from tests.server.serving import Serving
from tests.support.cli import Cli


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with Serving(Cli(tmp_path_factory.mktemp("fuzz")), "--model", "extractive") as server:
        yield server
        assert not any("Traceback" in line for line in server.log), "".join(server.log)


def test_no_request_breaks_the_server(serving: Serving) -> None:
    schema = schemathesis.openapi.from_url(f"{serving.url}/openapi.json")
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) == 20

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(st.data())
    def ask(data: st.DataObject) -> None:
        for operation in operations:
            mode = data.draw(st.sampled_from(GenerationMode))
            case = data.draw(operation.as_strategy(generation_mode=mode))
            case.headers = {"X-Longread": "1"}
            response = case.call()
            assert response.status_code < 500, (case.as_curl_command(), response.text)
            if response.status_code >= 400:
                error = response.json()["error"]
                assert error["message"] and "\n" not in error["message"]

    ask()
