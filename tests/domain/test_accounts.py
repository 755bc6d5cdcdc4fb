"""API keys: how they are made, recognised and stored."""

import re

import pytest

from domain.accounts import KeyMode, digest, is_api_key, key_hint, new_api_key


@pytest.mark.parametrize("mode", KeyMode)
def test_a_new_key_says_its_mode_and_is_random(mode: KeyMode) -> None:
    keys = {new_api_key(mode) for _ in range(100)}
    assert len(keys) == 100
    assert all(re.fullmatch(rf"av_{mode}_[0-9a-f]{{40}}", key) and is_api_key(key) for key in keys)


@pytest.mark.parametrize("token", ["", "av_", "av_other_1", "AV_LIVE_1", "eyJhbGciOi.e30.x", " av_live_1"])
def test_other_tokens_are_no_api_keys(token: str) -> None:
    assert not is_api_key(token)


def test_what_is_stored_of_a_key_does_not_tell_it() -> None:
    key = f"av_live_{'0' * 36}beef"
    assert key_hint(key) == "av_live_…beef"
    assert re.fullmatch(r"[0-9a-f]{64}", digest(key))
    assert digest(key) == digest(key) != digest(f"{key}0")
