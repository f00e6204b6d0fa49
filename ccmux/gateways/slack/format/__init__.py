"""What Slack shows, and what it sends, to and from plain values. Nothing here talks to anyone."""
