"""The one application whose table the built-in plan is about: its completion message, its code's phases, its generations."""
