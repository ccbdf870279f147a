"""Back-ends create and destroy instances; each is an entry point in the group ``zoe.backends``."""
