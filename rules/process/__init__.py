"""Due process: terms of notices, clocks and permissions, and where a line stands by its records."""
