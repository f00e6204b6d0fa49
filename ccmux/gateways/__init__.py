"""Joins outside services to the FIFOs of the instances: one process per Slack app, per WhatsApp account, per anything."""
