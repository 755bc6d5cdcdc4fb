"""Which media type a GraphQL response takes: the specification's own, or plain JSON for clients of old."""

GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"
OFFERED = {GRAPHQL_RESPONSE: GRAPHQL_RESPONSE, JSON: JSON, "application/*": JSON, "*/*": JSON}


def response_type(accept: str) -> str:
    """The best of what `accept` asks for, the first among equals; plain JSON when nothing is acceptable."""
    ranges = [weighted(part) for part in accept.split(",")]
    wanted = [(weight, OFFERED[name]) for name, weight in ranges if weight > 0 and name in OFFERED]
    return max(wanted, key=lambda each: each[0], default=(0.0, JSON))[1]


def weighted(media_range: str) -> tuple[str, float]:
    name, *parameters = (part.strip().lower() for part in media_range.split(";"))
    quality = next((value[2:] for value in parameters if value.startswith("q=")), "1")
    return name, float(quality) if quality.replace(".", "", 1).isdecimal() else 0.0
