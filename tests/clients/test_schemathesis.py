"""Schemathesis fuzzes both doors by their own schemas and finds no server error."""

import asyncio
import logging
import os
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest

from domain.accounts import Identity
from tests.served import House

ROOT = Path(__file__).parents[2]
RUNNER = Path(sys.executable).parent / "schemathesis"
ARGUMENTS = (
    "--phases=examples,fuzzing",
    "--max-examples=5",
    "--generation-deterministic",
    "--checks=nothing_internal",
    "--suppress-health-check=all",
    "--request-timeout=3600",
    "--header=Authorization: Bearer owner-token",
)
CHECKS = {"SCHEMATHESIS_HOOKS": "tests.parts.schemathesis_checks", "PYTHONPATH": str(ROOT)}


@pytest.mark.parametrize("door", ["v1", "graphql"])
async def test_no_input_meets_a_server_error(
    house: House, door: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    house.sign_in.add("owner-token", Identity("firebase:owner", "owner@example.com"))
    openapi = (str(ROOT / "compatibility" / "openapi.json"), f"--url={house.url}/v1")
    where = openapi if door == "v1" else (f"{house.url}/graphql",)
    process = await asyncio.create_subprocess_exec(
        RUNNER, "run", *where, *ARGUMENTS, cwd=tmp_path, env=os.environ | CHECKS, stdout=PIPE, stderr=STDOUT
    )
    report, _ = await process.communicate()
    assert process.returncode == 0, report.decode()
    assert [each.getMessage() for each in caplog.records if each.levelno >= logging.ERROR] == []
