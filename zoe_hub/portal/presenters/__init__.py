"""What the pages show, as plain values from plain functions: no template, no request needed."""
