"""Slack in and out: events become requests, pieces become messages."""
