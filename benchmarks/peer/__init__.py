"""Other tools, asked what `check` measures: each file says what is installed, how the tool is asked, and what it answered."""
