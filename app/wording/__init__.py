"""Words for people, by kind: names, figures, lines of a statement, findings; reached through `app.text`."""
