"""TimescaleDB and PostgreSQL through psycopg; the only package that speaks SQL."""
