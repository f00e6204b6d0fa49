"""A loopback stand-in of Slack that misbehaves on request; no part of it knows pytest, so that bench can use it too.

async with FakeSlack() as slack:
    bot, ann = slack.bot("ccmux"), slack.person("ann")
    channel = slack.channel("ops", bot, ann)
    web = AsyncWebClient(bot.token, base_url=slack.api_url, retry_handlers=[])
    slack.faults.add("chat.postMessage", Fault("drop", after=True))
    ann.post(channel, "hello")
    await slack.wait_for(lambda: slack.posts(channel))
"""

from tests.fakes.slack.courier import Timing
from tests.fakes.slack.faults import Fault, Faults
from tests.fakes.slack.ledger import Ack, Delivery, Ledger, Post, Request
from tests.fakes.slack.links import Socket
from tests.fakes.slack.people import Person
from tests.fakes.slack.server import FakeSlack
from tests.fakes.slack.values import EVENTS, SCOPES, App, Bot, Channel, Message, Refusal, Team, User

__all__ = [
    "EVENTS",
    "SCOPES",
    "Ack",
    "App",
    "Bot",
    "Channel",
    "Delivery",
    "FakeSlack",
    "Fault",
    "Faults",
    "Ledger",
    "Message",
    "Person",
    "Post",
    "Refusal",
    "Request",
    "Socket",
    "Team",
    "Timing",
    "User",
]
