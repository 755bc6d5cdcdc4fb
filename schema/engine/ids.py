"""Relay ids: base64 of `Type:key`."""

from strawberry.relay.utils import from_base64, to_base64


def global_id(type_name: str, key: str) -> str:
    return to_base64(type_name, key)


def parts(value: str) -> tuple[str, str]:
    """Type and key of a Relay id; an empty type for anything else, which is then a bare key."""
    try:
        type_name, key = from_base64(value)
    except ValueError:
        return "", value
    return type_name, key


def key_of(value: str, type_name: str) -> str:
    """The key in a Relay id of that type. A bare key, as `/v1` gives it, is taken as it is."""
    found, key = parts(value)
    return key if found == type_name else value
