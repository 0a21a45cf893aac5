"""Codes and vectors to evidence."""
