"""Announces new entries in a chat, by an incoming webhook as Slack, Mattermost and Discord have them.

    export WEBHOOK_URL=https://hooks.slack.com/services/...
    condget poll --exec "python examples/webhook.py" feeds.txt

condget runs this for each feed with news. If it fails, the same news come again with the next run.
"""

import json
import os
import sys

import httpx

feed = json.load(sys.stdin)
lines = [f"*{feed['name'] or feed['title'] or feed['url']}*"]
lines += [
    f"• {entry['title'] or entry['summary'] or 'no title'} {entry['link'] or ''}".rstrip() for entry in feed["entries"]
]
text = "\n".join(lines)[:1_900]  # Discord takes 2,000 characters
# Slack and Mattermost read "text", Discord "content".
response = httpx.post(os.environ["WEBHOOK_URL"], json={"text": text, "content": text}, timeout=20)
if not response.is_success:
    sys.exit(f"the webhook answered {response.status_code}")
