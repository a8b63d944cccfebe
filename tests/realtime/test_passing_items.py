"""Items that were sent and are no part of the conversation: stock clients cut them all the same."""

from __future__ import annotations

from typing import Any

from models import api
from tests.stage import Stage, call, conversation
from tests.virtual_clock import play


def music(request: api.PlanRequest) -> list[Any]:
    if request.messages[-1].role == "tool":
        return []
    return [call("play_music", brief={"style": "waltz"})]


async def playing(stage: Stage) -> str:
    """Music plays; returns the id of its item."""
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "play"}]}
    stage.link.send_event(type="conversation.item.create", item=item)
    stage.link.send_event(type="response.create")
    await stage.link.wait_for("audiogpt.activity", state="playing")
    added = [event for event in stage.link.log if event["type"] == "response.output_item.added"]
    return str(added[-1]["item"]["id"])


def test_music_can_be_truncated_and_retrieved_though_it_is_in_no_conversation() -> None:
    async def dialogue() -> None:
        async with conversation(music) as stage:
            item_id = await playing(stage)
            assert stage.session.history.find(item_id) is None
            stage.link.send_event(
                type="conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=700
            )
            await stage.link.wait_for("conversation.item.truncated", item_id=item_id, audio_end_ms=700)
            stage.link.send_event(type="conversation.item.retrieve", item_id=item_id)
            retrieved = await stage.link.wait_for("conversation.item.retrieved")
            assert retrieved["item"]["id"] == item_id
            assert "error" not in stage.link.types()
            assert stage.session.music.playing  # who stopped playing it may go on

    play(dialogue())


def test_an_item_that_nobody_was_sent_or_that_was_deleted_cannot() -> None:
    async def dialogue() -> None:
        async with conversation(lambda _: [api.TextDelta("one two three")], "websocket") as stage:
            stage.link.send_event(type="response.create")
            done = await stage.link.wait_for("response.done")
            item_id = done["response"]["output"][0]["id"]
            stage.link.send_event(type="conversation.item.delete", item_id=item_id)
            await stage.link.wait_for("conversation.item.deleted")
            for unknown in (item_id, "item_of_nobody"):
                stage.link.send_event(
                    type="conversation.item.truncate", item_id=unknown, content_index=0, audio_end_ms=700
                )
                stage.link.send_event(type="conversation.item.retrieve", item_id=unknown)
            for _ in range(4):
                error = await stage.link.wait_for("error")
                assert error["error"]["code"] == "item_not_found"

    play(dialogue())
