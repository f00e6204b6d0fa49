"""All verbs, as click knows them; each is imported when it is called."""

from __future__ import annotations

import importlib

import click

VERBS = {
    "new": "Make an instance and start it.",
    "ls": "Show every instance and what it is doing.",
    "dashboard": "See every instance at a glance, and act in place.",
    "status": "Show one instance, or all, in full.",
    "attach": "Attach your terminal to an instance.",
    "send": "Send a message; with --wait print the reply.",
    "start": "Start instances; a running one is left alone.",
    "stop": "Stop instances; their conversations are kept.",
    "restart": "Restart the daemon; with --session also Claude, with its conversation.",
    "up": "Start every instance and gateway.",
    "down": "Stop every gateway and instance; conversations are kept.",
    "service": "Have instances kept alive, also after a boot, by systemd or launchd.",
    "slack": "Set up a Slack app of your own.",
    "gateway": "Join an outside service to instances; show how that stands.",
    "channel": "Say which room is whose, and who is heard there.",
    "logs": "Show the daemon's log.",
    "history": "Show messages and replies.",
    "inbox": "Show the messages that wait, or with --dead those that were given up.",
    "outbox": "Show the replies that nobody has read yet.",
    "usage": "Show tokens, cost and active minutes, day by day.",
    "schedule": "Show what is said when, or fire a schedule now.",
    "briefing": "Print the morning or evening briefing, or send it.",
    "projects": "Show what every project reported last.",
    "report": "Tell the assistant where a project stands.",
    "wire": "Show, check or repair the wires between projects and the assistant.",
    "trace": "Show the way of one message, with the proof of every step.",
    "retry": "Try a message again that ended without an answer.",
    "drop": "Put a dead message away.",
    "cancel": "Take back a message that waits.",
    "approvals": "Show what Claude waits for: tools, questions, plans.",
    "approve": "Allow what Claude asks for, or answer its question.",
    "deny": "Deny what Claude asks for.",
    "pause": "Hold all messages back; everything is kept.",
    "resume": "Go on after a pause.",
    "interrupt": "Stop the running turn.",
    "clear": "Have Claude begin a fresh conversation.",
    "compact": "Have Claude shorten its conversation.",
    "rm": "Remove an instance.",
    "config": "Show, set, edit or check the configuration.",
    "completion": "Print what completes names and verbs in your shell.",
    "uninstall": "Remove ccmux; what is yours stays.",
    "upgrade": "Take up another release of ccmux; Claude does not notice.",
    "doctor": "Say what is missing or wrong, and what mends it.",
    "version": "Show the version.",
}


class Verbs(click.Group):
    """One module a verb: `ccmux.cli.verb_NAME` has the command in `command`."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"ccmux.cli.verb_{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the verbs without importing any."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
def program() -> None:
    """Run persistent Claude Code sessions in tmux.

    Each keeps its conversation, and no message to it is lost.
    """


def complete() -> int:
    """Answer the shell; see `ccmux completion`."""
    program.main(prog_name="ccmux", complete_var="_CCMUX_COMPLETE")
    return 0


def run(words: list[str]) -> int:
    """Run one verb; a wrong word exits 2 with a sentence."""
    try:
        result = program.main(args=words, prog_name="ccmux", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return 130
    return result if isinstance(result, int) else 0
