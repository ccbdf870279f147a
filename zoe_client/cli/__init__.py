"""What people type in a terminal."""
