"""The dashboard's service: one reading for everyone who looks, and the door in front of it."""
