"""How a setting is declared: its default, what it means, and what it takes."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PositiveFloat

from adapters.settings import values


class Group(BaseModel):
    """The settings of one room. A group whose defaults follow from another's fields inherits that group."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True, str_strip_whitespace=True)


def variable(default: Any, meaning: str, takes: str, **more: Any) -> Any:
    """A field whose description the documents repeat, and which errors explain by `takes`."""
    return Field(default, description=meaning, json_schema_extra={"takes": takes}, **more)


def derived(meaning: str, takes: str, default: Any) -> Any:
    """As `variable`; the default is computed from the fields above it and those that its group inherits."""
    return Field(default_factory=default, description=meaning, json_schema_extra={"takes": takes})


ApiBase = Annotated[str, AfterValidator(values.api_base)]
Listed = BeforeValidator(values.listed)
Seconds = Annotated[PositiveFloat, Field(allow_inf_nan=False)]
