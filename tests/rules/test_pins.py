"""The private parts of libraries that we use: which they are, and where to look when a new version moves them.

A library of which we override or name such parts is held to one minor version in `pyproject.toml`. To take the next
one, change the version there and here, run this test and those of the files that it names, and read what has changed
in the library around the parts listed here.
"""

import ast
import importlib
import inspect
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from adapters.ai.litellm_planner import load_litellm
from tests.rules.test_house import sources

ROOT = Path(__file__).parents[2]
NAME = re.compile(r"(?P<name>\w+)(\((?P<parameters>[^)]*)\))?")
PUBLIC = {"_exit", "_fields", "_replace"}
"""Names that are documented in spite of their underscore: of `os` and of named tuples."""


TRANSPORT_WS = "strawberry.subscriptions.protocols.graphql_transport_ws.handlers"


@dataclass(frozen=True)
class Pin:
    """`parts` gives the names that we rely on, by the module or class that has them.

    `name(a, b)` takes these parameters and no others; of `name(..., a)` only `a` counts. A name alone is there, as an
    attribute of the class or of its instances.
    """

    minor: str
    files: tuple[str, ...]
    parts: Mapping[str, str]


PINS = {
    "aiohttp": Pin(
        "3.14",
        ("adapters/fetching/guarded_connector.py", "adapters/ai/openai_stream.py"),
        {
            "aiohttp:TCPConnector": "connect(req, traces, timeout) __init__(..., limit, resolver, socket_factory)"
            " _socket_factory",
            "aiohttp:ClientRequest": "url",
            "aiohttp.connector:Connection": "transport",
            "aiohttp.tracing": "Trace",
        },
    ),
    "anyio": Pin("4.16", ("app.py",), {"anyio._backends._asyncio": "backend_class"}),
    "chromadb": Pin(
        "1.5",
        ("adapters/vectors/chroma_client.py",),
        {
            "chromadb.api.client:Client": "_admin_client _server close()",
            "chromadb.api.client:AdminClient": "_server",
            "chromadb.api.fastapi:FastAPI": "_session",
        },
    ),
    "cross-web": Pin(
        "0.9",
        ("schema/door.py", "schema/engine/uploads.py"),
        {
            "cross_web:StarletteRequestAdapter": "__init__(request)",
            "cross_web:HTTPException": "__init__(status_code, reason) status_code reason",
        },
    ),
    "graphql-core": Pin(
        "3.3",
        ("schema/engine/projection.py", "schema/engine/limits.py", "schema/engine/shared.py"),
        {
            "graphql.execution:Executor": "cancellable_iterable(iterable) build_per_event_executor(payload)"
            " execute_operation(serially) collect_subfields(return_type, field_details_list)"
            " build_resolve_info(field_def, field_nodes, parent_type, path)"
            " schema fragments variable_values operation middleware_manager",
            "graphql.execution.collect_fields": "collect_fields(..., schema, fragments, variable_values, runtime_type,"
            " operation)",
            "graphql.execution.collect_fields:CollectedFields": "grouped_field_set new_defer_usages",
            "graphql.execution.collect_fields:FieldDetails": "node",
            "graphql.execution.async_iterables": "aclosing",
            "graphql.validation.validate": "ValidationAbortedError",
        },
    ),
    "litellm": Pin(
        "1.106",
        ("adapters/ai/litellm_transport.py", "adapters/ai/litellm_stream.py", "adapters/ai/litellm_planner.py"),
        {
            "litellm": "disable_hf_tokenizer_download suppress_debug_info turn_off_message_logging"
            " disable_streaming_logging disable_aiohttp_trust_env DEFAULT_MAX_RETRIES",
            "litellm:ProviderConfigManager": "get_provider_chat_config(..., model, provider)",
            "litellm.utils": "get_optional_params(..., model, custom_llm_provider, max_tokens, drop_params, stream)",
            "litellm.llms.base_llm.chat.transformation:BaseConfig": "get_complete_url(api_base, api_key, model,"
            " optional_params, litellm_params, stream)"
            " validate_environment(headers, model, messages, optional_params, litellm_params, api_key, api_base)",
            "litellm.llms.custom_httpx.aiohttp_transport:LiteLLMAiohttpTransport": "handle_async_request(request)"
            " __init__(..., client, owns_session)",
            "litellm.llms.custom_httpx.http_handler:AsyncHTTPHandler": "__init__(..., timeout, transport,"
            " follow_redirects)",
        },
    ),
    "python-docx": Pin(
        "1.2",
        ("adapters/reading/word.py",),
        {
            "docx.text.paragraph:Paragraph": "_p",
            "docx.oxml.text.paragraph:CT_P": "style",
            "docx.table:_Cell": "_tc",
        },
    ),
    "sqlalchemy": Pin(
        "2.1",
        (
            "adapters/database/statements.py",
            "adapters/database/postgres/driver.py",
            "adapters/database/postgres/store.py",
            "adapters/database/sqlite/driver.py",
        ),
        {
            "sqlalchemy.util": "await_only(awaitable) greenlet_spawn(..., fn)",
            "sqlalchemy.sql.compiler:SQLCompiler": "positiontup binds",
            "sqlalchemy:BindParameter": "effective_value required",
            "sqlalchemy.types:TypeEngine": "dialect_impl(dialect) bind_processor(dialect)"
            " result_processor(dialect, coltype)",
            "sqlalchemy.dialects.postgresql.asyncpg": "PGDialect_asyncpg",
            "sqlalchemy.dialects.sqlite.pysqlite": "SQLiteDialect_pysqlite",
        },
    ),
    "strawberry-graphql": Pin(
        "0.341",
        (
            "schema/door.py",
            "schema/root.py",
            "schema/engine/cost.py",
            "schema/engine/errors.py",
            "schema/engine/introspection.py",
            "schema/engine/projection.py",
            "schema/engine/runner.py",
            "schema/engine/secrecy.py",
            "schema/engine/shared.py",
            "schema/engine/uploads.py",
        ),
        {
            "strawberry.asgi:GraphQL": "run(..., request) get_context(request, response) get_sub_response(request)"
            " create_response(response_data, sub_response) parse_multipart(request) on_ws_connect(context)"
            " is_websocket_origin_allowed(request, origin) should_render_graphql_ide(request)"
            " render_graphql_ide(request) parse_json(data) parse_query_params(params) decode_json(data)"
            " encode_json(data) request_adapter_class websocket_adapter_class graphql_transport_ws_handler_class",
            "strawberry.asgi:ASGIWebSocketAdapter": "close(code, reason) send_json(message) ws",
            f"{TRANSPORT_WS}:BaseGraphQLTransportWSHandler": "run_operation(operation) handle_message(message)"
            " handle_subscribe(message) handle_task_exception(error)"
            " handle_invalid_message(error_message) send_message(message) _get_pre_execution_close_reason(error)"
            " websocket view context operations connection_acknowledged",
            f"{TRANSPORT_WS}:Operation": "id",
            "strawberry:Schema": "process_errors(errors, execution_context) _schema"
            " create_extensions_runner(execution_context, extensions)",
            "strawberry.extensions.runner:SchemaExtensionsRunner": "__init__(execution_context, extensions)"
            " on_stream_result(result) get_extensions_results(ctx)",
            "strawberry.extensions:SchemaExtension": "on_operation on_parse on_validate on_stream_result get_results",
            "strawberry.types:ExecutionContext": "query context variables operation_name schema graphql_document"
            " parse_options validation_rules pre_execution_errors extensions_results",
            "strawberry.schema.schema": "StrawberryGraphQLCoreExecutionContext"
            " validate_document(schema, document, validation_rules)",
            "strawberry.schema.schema_converter:GraphQLCoreConverter": "DEFINITION_BACKREF",
            "strawberry.types.base:StrawberryObjectDefinition": "concrete_of is_type_of origin",
            "strawberry.types.field:StrawberryField": "is_basic_field is_async python_name",
            "strawberry.file_uploads.utils": "replace_placeholders_with_files(operations_with_placeholders, files_map,"
            " files)",
        },
    ),
    "uvicorn": Pin(
        "0.54",
        ("adapters/serving/http_protocol.py", "adapters/serving/uvicorn_server.py"),
        {
            "uvicorn:Server": "run(..., sockets) shutdown(sockets) started should_exit",
            "uvicorn.protocols.http.httptools_impl": "STATUS_LINE",
            "uvicorn.protocols.http.httptools_impl:HttpToolsProtocol": "connection_made(transport)"
            " connection_lost(exc) data_received(data) on_message_begin() on_url(url) on_header(name, value)"
            " on_headers_complete() on_response_complete() send_400_response(msg)"
            " url headers pipeline cycle transport loop",
            "uvicorn.protocols.http.httptools_impl:RequestResponseCycle": "response_complete",
            "uvicorn.protocols.websockets.websockets_sansio_impl:WebSocketsSansIOProtocol": "shutdown()"
            " pause_writing() resume_writing() send_receive_event_to_app() handle_parser_exception()"
            " conn close_sent curr_msg_data_type frames read_paused transport",
        },
    ),
}


@pytest.fixture(scope="module", autouse=True)
def _litellm() -> None:
    """Loaded as the program does it: its import alone would download something."""
    load_litellm()


@pytest.mark.parametrize("library", PINS)
def test_the_private_parts_that_we_use_are_as_we_know_them(library: str) -> None:
    pin = PINS[library]
    installed = version(library)
    look_at = f"{library} {installed}: look at {', '.join(pin.files)}"
    moved = [each for part, names in pin.parts.items() for each in missing(part, names)]
    assert not moved, f"{look_at}, which rely on {'; '.join(moved)}"
    assert f"{installed}.".startswith(f"{pin.minor}."), f"{look_at}, which were written for {pin.minor}"


def missing(part: str, names: str) -> Iterator[str]:
    """Those of the names that are not as they are written."""
    module, _, cls = part.partition(":")
    owner: object = importlib.import_module(module)
    owner = getattr(owner, cls) if cls else owner
    for name, _, parameters in (found.group("name", 0, "parameters") for found in NAME.finditer(names)):
        if not (is_there(owner, name) if parameters is None else takes(owner, name, parameters)):
            yield f"{part}.{name}" + ("" if parameters is None else f"({parameters})")


def is_there(owner: object, name: str) -> bool:
    """Instances have the attributes that some method of their class names."""
    classes = inspect.getmro(owner) if isinstance(owner, type) else ()
    functions = [each for cls in classes for each in vars(cls).values() if inspect.isfunction(each)]
    return (
        hasattr(owner, name)
        or any(name in vars(cls).get("__annotations__", {}) for cls in classes)
        or any(name in function.__code__.co_names for function in functions)
    )


def takes(owner: object, name: str, parameters: str) -> bool:
    function = getattr(owner, name, None)
    if not callable(function):
        return False
    wanted = [each.strip() for each in parameters.split(",") if each.strip()]
    known = [each for each in inspect.signature(function).parameters if each != "self"]
    return set(wanted[1:]) <= set(known) if wanted[:1] == ["..."] else wanted == known


@pytest.mark.parametrize("library", PINS)
def test_no_other_minor_version_is_installed_by_itself(library: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    known = {each.name: each.specifier for each in map(Requirement, project["dependencies"])}
    first, second = PINS[library].minor.split(".")
    assert known[library].contains(version(library))
    assert not known[library].contains(f"{first}.{int(second) + 1}.0")
    assert not known[library].contains(f"{int(first) + 1}.0.0")


def private_names(tree: ast.AST) -> set[str]:
    """The attributes with an underscore in front that are of anything but `self` and `super()`."""
    return {
        each.attr
        for each in ast.walk(tree)
        if isinstance(each, ast.Attribute)
        and re.match(r"_[a-z]", each.attr)
        and each.attr not in PUBLIC
        and ast.unparse(each.value) not in ("self", "super()")
    }


def test_no_private_name_is_used_that_no_pin_knows() -> None:
    known = {file for pin in PINS.values() for file in pin.files}
    used = {
        name: names
        for name in sources()
        if name.endswith(".py") and (names := private_names(ast.parse((ROOT / name).read_text())))
    }
    assert used.keys() <= known, used


def test_every_file_that_a_pin_names_is_there() -> None:
    assert [file for pin in PINS.values() for file in pin.files if not (ROOT / file).is_file()] == []
