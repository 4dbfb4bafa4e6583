"""Rule packs: what a jurisdiction bounds, as data with source, date and reviewer; no part of a contract's terms."""
