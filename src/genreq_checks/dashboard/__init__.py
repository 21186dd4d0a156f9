"""The dashboard's service: one reading for all viewers, behind access control."""
